"""Copies the figures of a finished run of the experiment text_loss_weight to results/summary.json."""

import argparse
import json
from pathlib import Path

from adaptive_diffusion.evaluation.intervals import Interval
from adaptive_diffusion.runs.recorded_config import read_config
from adaptive_diffusion.storage.atomic_write import atomic_write_file
from adaptive_diffusion.storage.manifest import now, provenance

RESULTS = Path(__file__).parent / "results"


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run", type=Path)
    run = parser.parse_args().run
    begun, found, config = now(), json.loads((run / "bits_per_byte.json").read_text()), read_config(run / "config.yaml")
    result = {
        "split": found["split"],
        "steps": config["steps"],
        "seed": config["seed"],
        "models": found["models"],
        "manifest": provenance("collect.py RUN", begun),
    }
    RESULTS.mkdir(exist_ok=True)
    atomic_write_file(RESULTS / "summary.json", json.dumps(result, indent=1) + "\n")
    for row in found["models"]:
        print(row["model"], Interval(row["bits_per_byte"], row["low"], row["high"]))


if __name__ == "__main__":
    main()
