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
from adaptive_diffusion.runs.trained_model import checkpoint_file, load_trained_model
from adaptive_diffusion.storage.atomic_write import atomic_write_file
from adaptive_diffusion.storage.checkpoint import read_header
from adaptive_diffusion.storage.manifest import environment

RESULTS = Path(__file__).parent / "results"
FAMILIES = (
    "fixed pace.steps=4,8,16",
    "threshold pace.threshold=0.5,0.7,0.9,0.95,0.97,0.99",
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


def pooled(rows):
    """One row for several trainings: means of the figures, the largest NFE, and the least and largest accuracy."""
    first = rows[0]
    if "refused" in first or len(rows) == 1:
        return first
    figures = [name for name, value in first.items() if type(value) in (int, float)]
    right = [row["correct"] for row in rows]
    together = {name: sum(row[name] for row in rows) / len(rows) for name in figures}
    together |= {"nfe_max": max(row["nfe_max"] for row in rows), "queries": first["queries"]}
    return first | together | {"correct_low": min(right), "correct_high": max(right), "seeds": len(rows)}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("sources", nargs="+", type=Path, help="run folders or checkpoints, one a training seed")
    parser.add_argument("--name", required=True, help="of the result file")
    parser.add_argument("--about", default="", help="a few words on the checkpoint, for the title of the table")
    parser.add_argument("--puzzles", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--sampler", action="append", help="only these, the other rows stay; may be repeated")
    parser.add_argument("--without", action="append", default=[], help="not this one; may be repeated")
    chosen = parser.parse_args()
    files = [checkpoint_file(source) for source in chosen.sources]
    sources = [load_trained_model(file) for file in files]
    data = instantiate(read_header(files[0]).about["task"])
    problems = data.test.take(slice(chosen.puzzles))
    result_file = RESULTS / f"{chosen.name}.json"
    RESULTS.mkdir(exist_ok=True)
    before = json.loads(result_file.read_text()) if result_file.exists() else {}
    stays = before.get("samplers", []) if chosen.sampler else []
    rows = {row["sampler"]: row for row in stays}
    for named in named_samplers(chosen.sampler or everything()):
        if named.name in chosen.without:
            continue
        rows[named.name] = pooled([measured(named, source, problems, chosen.seed) for source in sources])
        print(json.dumps(rows[named.name]), file=sys.stderr)
        names = " ".join(file.name for file in files)
        result = {
            "title": f"{data.task.name}{', ' if chosen.about else ''}{chosen.about}",
            "command": f"measure.py {names} --name {chosen.name} --puzzles {len(problems)} --seed {chosen.seed}",
            "queries": len(problems),
            "trainings": len(sources),
            "seed": chosen.seed,
            "device": f"{environment()['processor']}, {torch.get_num_threads()} threads",
            "samplers": [rows[name] for name in sorted(rows)],
            "remarks": before.get("remarks", {}),
        }
        atomic_write_file(result_file, json.dumps(result, indent=1, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    with torch.inference_mode():
        main()
