"""Collects finished runs of the experiments english and english_blocks into results/summary.json.

python experiments/english/collect.py runs/english/* # the name of a folder is the name of its row
"""

import argparse
import json
from pathlib import Path
from typing import Any

from adaptive_diffusion.storage.atomic_write import atomic_write_file
from adaptive_diffusion.storage.manifest import now, provenance

RESULTS = Path(__file__).parent / "results"
BEFORE = "per_mask"
"""The run of the recipe that was used before."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs", type=Path, nargs="+")
    begun, runs = now(), parser.parse_args().runs
    result = summary({run.name: rows_of(run) for run in runs if (run / "bits_per_byte.json").is_file()})
    RESULTS.mkdir(exist_ok=True)
    result["manifest"] = provenance("collect.py RUNS", begun)
    atomic_write_file(RESULTS / "summary.json", json.dumps(result, indent=1) + "\n")
    for row in result["models"]:
        minutes = row["seconds"] / 60
        print(f"{row['run']:14} {row['model']:15} {row['bits_per_byte']:.3f} bits a byte in {minutes:.1f} minutes")


def rows_of(run: Path) -> list[dict[str, Any]]:
    """A row a model: bits a byte with their interval, and the seconds of its training."""
    found = json.loads((run / "bits_per_byte.json").read_text())
    rows = []
    for row in found["models"]:
        stage = json.loads((run / "stages" / f"{row['model']}.json").read_text())
        rows.append({"run": run.name, "split": found["split"], **row, "seconds": stage["seconds"]})
    return rows


def summary(runs: dict[str, list[dict[str, Any]]]) -> dict[str, Any]:
    """The gap of bits between the best denoiser and the best autoregressive model, before and after the recipe was
    changed: of the masked models the run `BEFORE`, and the one with the fewest bits. The autoregressive models are
    those of the same steps and tokens a step.

    Raises:
        ValueError: runs without the one of before, or without an autoregressive model.
    """
    rows = [row for found in runs.values() for row in found]
    masked = [row for row in rows if row["model"] == "masked"]
    autoregressive = [row for row in rows if row["model"] == "autoregressive"]
    before = [row for row in masked if row["run"] == BEFORE]
    if not autoregressive or not before:
        raise ValueError(f"the runs {', '.join(runs)} lack {BEFORE} or an autoregressive model")
    best, rival = (min(some, key=lambda row: row["bits_per_byte"]) for some in (masked, autoregressive))
    same_tokens = min(
        (row for row in autoregressive if row["run"] == best["run"]), key=lambda row: row["bits_per_byte"], default=None
    )
    plain = max(autoregressive, key=lambda row: row["bits_per_byte"])
    return {
        "bits_masked": best["bits_per_byte"],
        "bits_autoregressive": rival["bits_per_byte"],
        "best_masked": best["run"],
        "best_autoregressive": rival["run"],
        "gap_before": before[0]["bits_per_byte"] - plain["bits_per_byte"],
        "gap_after": best["bits_per_byte"] - rival["bits_per_byte"],
        "gap_at_equal_tokens": None if same_tokens is None else best["bits_per_byte"] - same_tokens["bits_per_byte"],
        "hours": best["seconds"] / 3600,
        "hours_autoregressive": rival["seconds"] / 3600,
        "models": sorted(rows, key=lambda row: row["bits_per_byte"]),
    }


if __name__ == "__main__":
    main()
