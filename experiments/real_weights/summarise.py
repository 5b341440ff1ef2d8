"""Gathers `infilling.json` and `repair.json` of runs, one for each seed, into `results/summary.json`.

python experiments/real_weights/summarise.py runs/real_weights*
"""

import argparse
import json
from pathlib import Path
from statistics import mean
from typing import Any

from adaptive_diffusion.storage.atomic_write import atomic_write_file

RESULTS = Path(__file__).parent / "results"
UPPER_ENDS = {
    "cost_ratio_at_equal_recovery": "cost_ratio_high",
    "learned_against_unlearned": "learned_against_unlearned_high",
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("runs", nargs="+", type=Path, help="finished run folders")
    runs = parser.parse_args().runs
    infilling = [json.loads((run / "infilling.json").read_text()) for run in runs]
    repairs = [json.loads(file.read_text()) for run in runs if (file := run / "repair.json").is_file()]
    RESULTS.mkdir(exist_ok=True)
    atomic_write_file(RESULTS / "summary.json", json.dumps(summary(infilling, repairs), indent=2) + "\n")


def summary(infilling: list[dict[str, Any]], repairs: list[dict[str, Any]]) -> dict[str, Any]:
    """The figures of all seeds: means, and the widest of their intervals. The best rules of a seed are chosen on its
    validation chains and may differ; `best_unlearned` and `best_learned` are those of the first seed."""
    by_recovery = [of_quality(one["recovery"]) for one in infilling]
    by_likelihood = [of_quality(one["pseudo_likelihood"]) for one in infilling]
    first = infilling[0]
    return {
        **together(by_recovery),
        "best_unlearned": by_recovery[0]["best_unlearned"],
        "best_learned": by_recovery[0]["best_learned"],
        **{f"sapiens_{name}": repaired(repairs, name) for name in ("corrected", "broken")},
        **{f"argmax_{name}": repaired(repairs, name, "replace_0_look_1") for name in ("corrected", "broken")},
        "sapiens_setting": [one["chosen"] for one in repairs],
        "sapiens_queries": [one["queries"] for one in repairs],
        "seeds": [one["seed"] for one in infilling],
        "queries": first["queries"],
        "residues_mean": mean(one["residues_mean"] for one in infilling),
        "by_pseudo_likelihood": {
            **together(by_likelihood),
            "best_unlearned": first["pseudo_likelihood"]["rivalry"]["best_unlearned"],
            "best_learned": first["pseudo_likelihood"]["rivalry"]["best_learned"],
            "of_the_chains_themselves": mean(one["of_the_chains_themselves"] for one in infilling),
        },
        "each_seed": {"recovery": by_recovery, "pseudo_likelihood": by_likelihood},
        "risk_control": [one["risk_control"] for one in infilling],
        "forwards_of_the_careful_sampler": mean(one["forwards_of_the_careful_sampler"] for one in infilling),
        "curves": {kind: first[kind]["curves"] for kind in ("recovery", "pseudo_likelihood")},
    }


def of_quality(compared: dict[str, Any]) -> dict[str, Any]:
    """The chief comparisons by one quality: the best rule without learning against one position a forward, and the best
    learned rule against the best without learning."""
    found = compared["rivalry"]
    best = found["best_unlearned"]
    sequential = compared["against_one_a_forward"].get(best)
    return {
        "best_unlearned": best,
        "best_learned": found["best_learned"],
        "cost_ratio_at_equal_recovery": sequential and sequential["cost_ratio_at_equal_accuracy"],
        "learned_against_unlearned": found["cost_ratio_at_equal_accuracy"],
        "half_a_point_lower": found["cost_ratio_half_a_point_lower"],
    }


def together(seeds: list[dict[str, Any]]) -> dict[str, float | None]:
    """Mean value and largest upper end of each comparison; null where a seed defines none."""
    made: dict[str, float | None] = {}
    for name, high in UPPER_ENDS.items():
        found = [one[name] for one in seeds]
        known = all(one is not None and one["value"] is not None for one in found)
        made[name] = mean(one["value"] for one in found) if known else None
        made[high] = max(one["high"] for one in found) if known else None
    return made


def repaired(repairs: list[dict[str, Any]], name: str, setting: str | None = None) -> float | None:
    """The share of residues that a repair corrects or breaks on test chains, at the chosen setting or another one."""
    values = [one["test"][setting or one["chosen"]][name]["value"] for one in repairs]
    return mean(values) if values else None


if __name__ == "__main__":
    main()
