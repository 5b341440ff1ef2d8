"""Measures trained denoisers of a task on its test problems and adds them to results/records.json.

python experiments/records/measure.py runs/countdown_3m runs/countdown_4 --sampler "threshold pace.threshold=0.9"
"""

import argparse
import json
from pathlib import Path
from typing import Any

from scipy.stats import binomtest

from adaptive_diffusion.runs.compare import compare
from adaptive_diffusion.runs.recorded_config import read_config
from adaptive_diffusion.runs.trained_model import checkpoint_file, load_trained_model
from adaptive_diffusion.storage.atomic_write import atomic_write_file
from adaptive_diffusion.storage.manifest import now, provenance

RESULTS = Path(__file__).parent / "results"
SAMPLERS = "fixed pace.steps=1", "threshold pace.threshold=0.9", "threshold pace.threshold=0.98"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs", type=Path, nargs="+")
    parser.add_argument("--sampler", action="append", help="a sampler with overrides, may be repeated")
    options, begun = parser.parse_args(), now()
    file = RESULTS / "records.json"
    found = json.loads(file.read_text()) if file.is_file() else {"records": {}}
    for run in options.runs:
        found["records"][run.name] = measured(run, options.sampler or SAMPLERS)
        found["manifest"] = provenance("measure.py RUNS", begun)
        RESULTS.mkdir(exist_ok=True)
        atomic_write_file(file, json.dumps(found, indent=1) + "\n")


def measured(run: Path, samplers: list[str] | tuple[str, ...]) -> dict[str, Any]:
    """What a run trained and for how long, and a row for each sampler: the share of right answers with its interval,
    and forwards."""
    source = load_trained_model(checkpoint_file(run))
    config, problems = read_config(run / "config.yaml"), source.data.test
    stages = {file.stem: json.loads(file.read_text()) for file in (run / "stages").glob("*.json")}
    done = {name: stage for name, stage in stages.items() if stage["done"] and name in ("denoiser", "remasking")}
    facts = {
        "task": source.task.name,
        "parameters": sum(each.numel() for each in source.model.denoiser.parameters()),
        "steps": {name: config["stages"][name]["steps"] for name in done},
        "problems_a_step": config["task"]["batch_size"],
        "seconds": round(sum(stage["seconds"] for stage in done.values())),
        "device": json.loads((run / "manifest.json").read_text())["compute"]["device"],
        "seed": config["seed"],
        "test_problems": len(problems),
    }
    rows = {}
    for name in samplers:
        row, _ = compare(name, source.sampler(name), source.task, problems)
        interval = binomtest(round(row["correct"] * len(problems)), len(problems)).proportion_ci(method="wilson")
        low, high = interval.low, interval.high
        kept = {key: row[key] for key in ("correct", "nfe_mean", "nfe_p95", "nfe_max")}
        rows[name] = {**kept, "low": low, "high": high}
        print(f"{run.name}: {name}: {row['correct']:.1%} ({low:.1%} to {high:.1%}) at {row['nfe_mean']:.2f} forwards")
    return {**facts, "samplers": rows}


if __name__ == "__main__":
    main()
