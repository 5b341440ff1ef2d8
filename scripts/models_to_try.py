"""Makes a folder of adaptive_diffusion/models_to_try from a finished run: the export, its figures and its card.

    python scripts/models_to_try.py sudoku-6x6 runs/adaptive_beats_thresholds \
        --command "adaptive-diffusion run adaptive_beats_thresholds seed=0"

A run with other samplers names them: --sampler "p2 plan.steps=16" p2_16, the slowest first.
"""

import argparse
import json
import sys
from pathlib import Path
from typing import Any

import torch

from adaptive_diffusion.core.trace import read_trace
from adaptive_diffusion.runs.models_to_try import FIGURES, FOLDER, decisions
from adaptive_diffusion.runs.trained_model import newest_checkpoint
from adaptive_diffusion.storage.hub import CARD, save_pretrained

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


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("name", help="of the model")
    parser.add_argument("run", type=Path, help="the run folder")
    parser.add_argument("--command", required=True, help="the command that trained it, for the card")
    parser.add_argument("--sampler", nargs=2, action="append", metavar=("TEXT", "NAME"), help="and its name in the run")
    parser.add_argument("--first", type=int, default=100, help="test problems whose decisions a test compares")
    chosen = parser.parse_args()
    file = newest_checkpoint(chosen.run)
    if file.stat().st_size > LARGEST:
        sys.exit(f"{file} has more than {LARGEST / 1e6:g} MB; models that come with the package are smaller")
    found = figures(chosen.run, chosen.command, dict(chosen.sampler or SAMPLERS), chosen.first)
    folder = save_pretrained(file, FOLDER / chosen.name)
    (folder / FIGURES).write_text(json.dumps(found) + "\n", encoding="utf-8")
    text = (folder / CARD).read_text(encoding="utf-8").replace("OWNER/NAME", chosen.name)
    (folder / CARD).write_text("\n".join([text, *card(found, chosen.first), ""]), encoding="utf-8")


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


def card(found: dict[str, Any], number: int) -> list[str]:
    """The figures in Markdown, for the end of the card."""
    return [
        "## Figures",
        "",
        f"On the {found['test_problems']} test problems of the task, seed {found['seed']}, CPU, float32:",
        "",
        "| sampler | correct | mean NFE | p95 | max | revisions |",
        "| --- | --- | --- | --- | --- | --- |",
        *(
            f"| `{row['sampler']}` | {100 * row['correct']:.1f}% | {row['nfe_mean']:.2f} | {row['nfe_p95']:.0f} "
            f"| {row['nfe_max']:.0f} | {row['revisions_mean']:.2f} |"
            for row in found["samplers"]
        ),
        "",
        f"Trained by `{found['trained_by']}`. `figures.json` holds these figures and the",
        f"decisions on the first {number} problems, which a test compares exactly. Licence: Apache-2.0.",
    ]


if __name__ == "__main__":
    main()
