"""Collects finished runs of the experiments english and english_blocks into results/summary.json.

python experiments/english/collect.py runs/english/* # a folder has the name of its recipe, or RECIPE,STEPS
"""

import argparse
import json
from pathlib import Path
from typing import Any

from adaptive_diffusion.runs.recorded_config import read_config
from adaptive_diffusion.storage.atomic_write import atomic_write_file
from adaptive_diffusion.storage.manifest import now, provenance

RESULTS = Path(__file__).parent / "results"
BEFORE, BYTES = "per_mask", "bound"
"""The masked recipe that was used before, and the run that has the autoregressive model of bytes."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs", type=Path, nargs="+")
    begun, runs = now(), parser.parse_args().runs
    result = summary([row for run in runs if (run / "bits_per_byte.json").is_file() for row in rows_of(run)])
    RESULTS.mkdir(exist_ok=True)
    result["manifest"] = provenance("collect.py RUNS", begun)
    atomic_write_file(RESULTS / "summary.json", json.dumps(result, indent=1) + "\n")
    for row in result["models"]:
        minutes = row["seconds"] / 60
        name = f"{row['recipe']} {row['model']}, {row['steps']} steps"
        print(f"{name:40} {row['bits_per_byte']:.3f} bits a byte, {minutes:.1f} minutes ({row['device']})")


def rows_of(run: Path) -> list[dict[str, Any]]:
    """A row a model: bits a byte with their interval, and the seconds of its training on which kind of device."""
    found, steps = json.loads((run / "bits_per_byte.json").read_text()), read_config(run / "config.yaml")["steps"]
    recipe, rows = run.name.partition(",")[0], []
    device = json.loads((run / "manifest.json").read_text())["compute"]["device"]
    for row in found["models"]:
        stage = json.loads((run / "stages" / f"{row['model']}.json").read_text())
        facts = {"recipe": recipe, "steps": steps, "split": found["split"], "device": device}
        rows.append({**facts, **row, "seconds": stage["seconds"]})
    return rows


def summary(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """The gap of bits a byte between masked and autoregressive models of equal steps: before, of the recipe `BEFORE`
    and bytes for both; after, of the best masked recipe and the best autoregressive model, whatever their tokens.

    Raises:
        ValueError: runs without the recipe of before, or without an autoregressive model of its steps.
    """
    models = sorted(rows, key=lambda row: row["bits_per_byte"])
    most = max((row["steps"] for row in models if row["recipe"] == BEFORE), default=0)
    masked, autoregressive = (
        [row for row in models if row["model"] == model and row["steps"] == most]
        for model in ("masked", "autoregressive")
    )
    before = next((row for row in masked if row["recipe"] == BEFORE), None)
    of_bytes = next((row for row in autoregressive if row["recipe"] == BYTES), None)
    if before is None or of_bytes is None:
        raise ValueError(f"the runs lack a masked model of the recipe {BEFORE} or an autoregressive one of {BYTES}")
    best, rival = masked[0], autoregressive[0]
    return {
        "bits_masked": best["bits_per_byte"],
        "bits_autoregressive": rival["bits_per_byte"],
        "best_masked": best["recipe"],
        "best_autoregressive": rival["recipe"],
        "gap_before": before["bits_per_byte"] - of_bytes["bits_per_byte"],
        "gap_after": best["bits_per_byte"] - rival["bits_per_byte"],
        "hours": best["seconds"] / 3600,
        "hours_autoregressive": rival["seconds"] / 3600,
        "models": models,
    }


if __name__ == "__main__":
    main()
