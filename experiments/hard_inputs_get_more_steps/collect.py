"""Puts the summaries of several seeds together: mean value, and the widest of the seeds' intervals."""

import argparse
import json
from pathlib import Path
from statistics import mean
from typing import Any

from adaptive_diffusion.storage.atomic_write import atomic_write_file

RESULTS = Path(__file__).parent / "results"
OF_TEST = ("auroc_solved_at_halt", "calibration_error", "regret_to_oracle", "overthinking", "correct", "nfe_mean")
END = ("correct", "nfe_mean")
COMPARED = ("cost_ratio_at_equal_accuracy", "accuracy_gain_at_equal_cost")


def together(intervals: list[dict[str, float]]) -> dict[str, float]:
    """Mean value, least lower and largest upper end."""
    value = mean(one["value"] for one in intervals)
    return {"value": value, "low": min(one["low"] for one in intervals), "high": max(one["high"] for one in intervals)}


def summarise(runs: list[dict[str, Any]]) -> dict[str, Any]:
    """The keys of the claim from the summaries of its seeds."""
    widest = [max(run["cost_aware_gap"], key=lambda one: one["gap"]["value"])["gap"] for run in runs]
    gains = {
        f"gain_over_{name}_ci_low": min(run["test"][f"gain_over_{name}"]["low"] for run in runs)
        for name in ("shuffle", "random")
    }
    return {
        "spearman": together([run["stratified"]["spearman"] for run in runs]),
        "spearman_tie_ceiling": mean(run["stratified"]["tie_ceiling"] for run in runs),
        "spearman_natural": together([run["test"]["spearman"] for run in runs]),
        "spearman_natural_tie_ceiling": mean(run["test"]["tie_ceiling"] for run in runs),
        **{name: together([run["test"][name] for run in runs]) for name in OF_TEST},
        "comparisons": {
            rule: {name: together([run["comparisons"][rule][name] for run in runs]) for name in COMPARED}
            for rule in runs[0]["comparisons"]
        },
        "nfe_ratio_to_baseline": together([run["nfe_ratio_to_baseline"] for run in runs]),
        "quality_difference": together([run["quality_difference"] for run in runs]),
        "gain_over_shuffle": together([run["test"]["gain_over_shuffle"] for run in runs]),
        "gain_over_random": together([run["test"]["gain_over_random"] for run in runs]),
        **gains,
        "cost_aware_gap": together(widest),
        "run_to_the_end": {name: together([run["run_to_the_end"][name] for run in runs]) for name in END},
        "seeds": len(runs),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("runs", nargs="+", type=Path, help="finished run folders, one a seed")
    runs = [read(folder) for folder in parser.parse_args().runs]
    RESULTS.mkdir(exist_ok=True)
    for run in runs:
        write(f"seed{run['manifest']['seed']}.json", run)
    write("summary.json", summarise(runs))


def read(folder: Path) -> dict[str, Any]:
    """What a run found, with its manifest."""
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest = {key: value for key, value in manifest.items() if key not in ("earlier", "working_folder")}
    return json.loads((folder / "summary.json").read_text()) | {"manifest": manifest}


def write(name: str, content: dict[str, Any]) -> None:
    atomic_write_file(RESULTS / name, json.dumps(content, indent=2, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
