"""Makes a folder of adaptive_diffusion/models_to_try from a finished run: the export, its figures and its card.

    python scripts/models_to_try.py sudoku-6x6 runs/adaptive_beats_thresholds \
        --command "adaptive-diffusion run adaptive_beats_thresholds seed=0" \
        --what "Fills 6×6 Sudoku puzzles." --query .5....1.6..46..15.......2.1.....36.. \
        --right "An answer is correct when it is a valid grid with all that the puzzle gives."

A run with other samplers names them: --sampler "p2 plan.steps=16" p2_16, the slowest first.
"""

import argparse
import json
import sys
from collections.abc import Mapping
from math import prod
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch

from adaptive_diffusion.core.trace import read_trace
from adaptive_diffusion.runs.models_to_try import FIGURES, FOLDER, decisions
from adaptive_diffusion.runs.trained_model import newest_checkpoint
from adaptive_diffusion.storage.checkpoint import Header, load_checkpoint, read_header, save_checkpoint
from adaptive_diffusion.storage.hub import CARD, WEIGHTS, save_pretrained, weights_are

SAMPLERS = {
    "confidence": "confidence",
    "threshold pace.threshold=0.95": "threshold_0.95",
    "answer_probability": "answer_probability_0.7",
    "learned": "learned",
    "cost_aware": "cost_aware_0.01",
}
"""Samplers of the card, the slowest first, and their names in the run."""
COLUMNS = ("correct", "nfe_mean", "nfe_p95", "nfe_max", "revisions_mean")
CURVES = ("sampler", "family", "correct", "nfe_mean")
"""Columns of all samplers of the run, for the curves of the playground."""
LARGEST = 4_000_000
KINDS = {"ema": "an exponential moving average over the training (`ema`)", "raw": "those of the last step (`raw`)"}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("name", help="of the model")
    parser.add_argument("run", type=Path, help="the run folder")
    parser.add_argument("--command", required=True, help="the command that trained it, for the card")
    parser.add_argument("--what", required=True, help="what it does, a sentence")
    parser.add_argument("--right", required=True, help="when an answer is correct, a sentence")
    parser.add_argument("--query", required=True, help="to try it with; \\n is a line end")
    parser.add_argument("--sampler", nargs=2, action="append", metavar=("TEXT", "NAME"), help="and its name in the run")
    parser.add_argument("--first", type=int, default=100, help="test problems whose decisions a test compares")
    chosen = parser.parse_args()
    file = newest_checkpoint(chosen.run)
    if file.stat().st_size > LARGEST:
        sys.exit(f"{file} has more than {LARGEST / 1e6:g} MB; models that come with the package are smaller")
    words = {"what": chosen.what, "right": chosen.right, "query": chosen.query.replace("\\n", "\n")}
    found = {**words, **figures(chosen.run, chosen.command, dict(chosen.sampler or SAMPLERS), chosen.first)}
    (FOLDER / chosen.name).mkdir(exist_ok=True)
    with TemporaryDirectory() as folder:
        copy, header = Path(folder, WEIGHTS), read_header(file)
        save_checkpoint(copy, load_checkpoint(file), header.config, without_paths(header))
        save_pretrained(copy, FOLDER / chosen.name)
    (FOLDER / chosen.name / FIGURES).write_text(json.dumps(found) + "\n", encoding="utf-8")
    write_card(FOLDER / chosen.name)


def write_card(folder: Path) -> None:
    """Writes the card of a model from its other files."""
    found = json.loads((folder / FIGURES).read_text(encoding="utf-8"))
    text = card(folder.name, found, read_header(folder / WEIGHTS), (folder / WEIGHTS).stat().st_size)
    (folder / CARD).write_text(text, encoding="utf-8")


def figures(run: Path, command: str, samplers: dict[str, str], number: int) -> dict[str, Any]:
    """The figures of the run on all its test problems, and its decisions on the first of them."""
    summary = json.loads((run / "summary.json").read_text(encoding="utf-8"))
    measured = {row["sampler"]: row for row in summary["samplers"]}
    rows, first = [], {}
    for text, name in samplers.items():
        rows.append({"sampler": text, **{key: measured[name][key] for key in COLUMNS}})
        traced = read_trace(run / "traces" / name).rows.sort_by("query").slice(0, number)
        nfe, answers, correct = (torch.tensor(traced[key].to_pylist()) for key in ("nfe", "answer", "correct"))
        first[text] = decisions(nfe, answers, correct)
    curves = [{key: row[key] for key in CURVES} for row in summary["samplers"]]
    about = {"task": summary["task"], "trained_by": command, "curves": curves}
    return {**about, "test_problems": summary["samplers"][0]["queries"], "seed": 0, "samplers": rows, "first": first}


def without_paths(header: Header) -> dict[str, Any]:
    """What is known about the weights, without the paths of the machine that made them."""
    return {name: value for name, value in header.about.items() if name != "parts"}


def card(name: str, found: Mapping[str, Any], header: Header, size: int) -> str:
    """The card in Markdown.

    Args:
        name: of the model.
        found: its `figures.json`.
        header: of its weights.
        size: of their file, in bytes.
    """
    named = ", ".join(f"`{head}`" for head in header.config.get("heads", {}))
    heads = f"; heads: {named}" if named else ""
    weights = sum(map(prod, header.shapes.values()))
    most = max(row["correct"] for row in found["samplers"])
    good = [row for row in found["samplers"] if row["correct"] >= most - 0.005]
    cheapest = min(good, key=lambda row: row["nfe_mean"])["sampler"]
    query = found["query"].replace("\n", "\\n")
    number = len(next(iter(found["first"].values()))["nfe"])
    return "\n".join(
        [
            "---",
            "library_name: adaptive-diffusion",
            "tags: [text-diffusion, adaptive-compute]",
            "license: apache-2.0",
            "---",
            "",
            f"# {name}",
            "",
            found["what"],
            f"{weights:,} parameters, {size / 1e6:.1f} MB{heads}.",
            "",
            "## Try it",
            "",
            f"    printf '{query}\\n' | adaptive-diffusion sample {name} --queries - --sampler \"{cheapest}\"",
            f"    adaptive-diffusion play {name}",
            "",
            "```python",
            "import adaptive_diffusion as ad",
            "",
            f'model = ad.load("{name}")',
            "```",
            "",
            "## Figures",
            "",
            f"On {found['test_problems']:,} test problems, seed {found['seed']}, CPU, float32. {found['right']}",
            "",
            "| sampler | correct | mean NFE | p95 | max | revisions |",
            "| --- | --- | --- | --- | --- | --- |",
            *(
                f"| `{row['sampler']}` | {100 * row['correct']:.1f}% | {row['nfe_mean']:.2f} | {row['nfe_p95']:.0f} "
                f"| {row['nfe_max']:.0f} | {row['revisions_mean']:.2f} |"
                for row in found["samplers"]
            ),
            "",
            f"NFE are forwards of a query. `figures.json` has these figures and the decisions on {number} problems,",
            "which a test compares exactly.",
            "",
            "## How it was made",
            "",
            *(f"    {command}" for command in found["trained_by"].split(" && ")),
            "",
            f"Training seed {found['seed']}. Weights: {KINDS[weights_are(header)]}. Licence: Apache-2.0.",
            "",
        ]
    )


if __name__ == "__main__":
    main()
