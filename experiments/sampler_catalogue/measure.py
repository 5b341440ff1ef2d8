"""Runs every named sampler on a checkpoint: exact answers, forwards, revisions and what became of them."""

import argparse
import json
import sys
import tempfile
import warnings
from pathlib import Path

import torch

from adaptive_diffusion.config import choices, instantiate, named_samplers
from adaptive_diffusion.core.trace import read_trace
from adaptive_diffusion.evaluation.correction import correction_counts
from adaptive_diffusion.evaluation.replay import Replay
from adaptive_diffusion.runs.compare import compare
from adaptive_diffusion.runs.trained_model import load_trained_model, newest_checkpoint
from adaptive_diffusion.storage.atomic_write import atomic_write_file
from adaptive_diffusion.storage.checkpoint import read_header
from adaptive_diffusion.storage.manifest import environment

RESULTS = Path(__file__).parent / "results"
FAMILIES = (
    "fixed pace.steps=4,8,16",
    "threshold pace.threshold=0.5,0.7,0.8,0.9,0.92,0.94,0.95,0.97,0.99",
    "threshold_0.9_remasking=threshold_remasking pace.threshold=0.9 limits.each=4",
)
"""Members of families that are measured; of the other configs each as it is."""


def everything():
    """Every config of configs/sampler, and the members of families."""
    families = {"fixed", "threshold"}
    return [*(name for name in choices("sampler") if name not in families), *FAMILIES]


def measured(named, source, problems, seed):
    """One row of the table, or the sentence that refuses the sampler. Its seconds include writing the trace."""
    try:
        sampler = source.build(named.node)
        with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)
            row, _ = compare(named.name, sampler, source.task, problems, seed, trace=Path(folder) / "trace")
            counts = correction_counts(Replay.of(read_trace(Path(folder) / "trace")))
    except ValueError as error:
        return {"sampler": named.name, "refused": str(error)}
    ways = {way: int(getattr(counts, way).sum()) for way in ("error_to_correct", "correct_to_error")}
    return row | ways


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("source", type=Path, help="a run folder or a checkpoint")
    parser.add_argument("--name", required=True, help="of the result file")
    parser.add_argument("--about", default="", help="a few words on the checkpoint, for the title of the table")
    parser.add_argument("--puzzles", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--sampler", action="append", help="only these, the other rows stay; may be repeated")
    parser.add_argument("--without", action="append", default=[], help="not this one; may be repeated")
    chosen = parser.parse_args()
    source = load_trained_model(chosen.source)
    file = newest_checkpoint(chosen.source) if chosen.source.is_dir() else chosen.source
    data = instantiate(read_header(file).about["task"])
    problems = data.test.take(slice(chosen.puzzles))
    result_file = RESULTS / f"{chosen.name}.json"
    RESULTS.mkdir(exist_ok=True)
    before = json.loads(result_file.read_text()) if result_file.exists() else {}
    stays = before.get("samplers", []) if chosen.sampler else []
    rows = {row["sampler"]: row for row in stays}
    for named in named_samplers(chosen.sampler or everything()):
        if named.name in chosen.without:
            continue
        rows[named.name] = measured(named, source, problems, chosen.seed)
        print(json.dumps(rows[named.name]), file=sys.stderr)
        result = {
            "title": f"{source.task.name}{', ' if chosen.about else ''}{chosen.about}",
            "command": f"measure.py {file.name} --name {chosen.name} --puzzles {len(problems)} --seed {chosen.seed}",
            "queries": len(problems),
            "seed": chosen.seed,
            "device": f"{environment()['processor']}, {torch.get_num_threads()} threads",
            "samplers": [rows[name] for name in sorted(rows)],
            "remarks": before.get("remarks", {}),
        }
        atomic_write_file(result_file, json.dumps(result, indent=1, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    with torch.inference_mode():
        main()
