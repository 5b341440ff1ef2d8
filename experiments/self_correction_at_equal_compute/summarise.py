"""Pools the seeds of results/seed_*.json into results/summary.json; queries are paired within a seed."""

import json
from pathlib import Path

import numpy as np
from families import FAMILIES, POLICIES

from adaptive_diffusion.evaluation.answers import ScoredAnswers
from adaptive_diffusion.evaluation.intervals import bootstrap, mean, paired_difference, ratio_of_sums
from adaptive_diffusion.storage.atomic_write import atomic_write_file

RESULTS = Path(__file__).parent / "results"
CONTROL = "halting_alone"


def learned(seed):
    """The policy that looks back and was most accurate on the seed's validation puzzles, the cheapest of equals."""
    rows = {row["sampler"]: row for table in seed["validation"].values() for row in table}
    chosen = {name: rows[seed["chosen"][name]] for name in POLICIES if name != CONTROL}
    return max(chosen, key=lambda name: (chosen[name]["correct"], -chosen[name]["nfe_mean"]))


def pooled(seeds, names):
    """The figures of one sampler a seed over all seeds, each seed's queries under ids of their own."""
    parts = [seed["queries"][name] for seed, name in zip(seeds, names, strict=True)]
    exact = np.concatenate([bits(part["exact"]) for part in parts])
    nfe = np.concatenate([np.array(part["nfe"]) for part in parts])
    return ScoredAnswers(names[0], names[0], np.arange(len(nfe)), nfe, exact.astype(float))


def bits(text):
    return np.array([letter == "1" for letter in text])


def removed(ours, baseline):
    """Share of the baseline's errors that are not made: (value, low, high)."""
    left = bootstrap(ratio_of_sums, 1 - ours.quality, 1 - baseline.quality)
    return [1 - left.value, 1 - left.high, 1 - left.low]


def summary(seeds):
    """The figures of the claim."""
    settings = {name: pooled(seeds, [name] * len(seeds)) for name in seeds[0]["queries"]}
    policies = [learned(seed) for seed in seeds]
    settings["learned"] = ours = pooled(seeds, policies)
    gains = {name: paired_difference(ours.quality, settings[name].quality) for name in FAMILIES}
    best = min(gains, key=lambda name: gains[name].low)
    errors_removed = removed(ours, settings["threshold"])
    counts = {count: np.concatenate([bits(seed["planted"][count]["exact"]) for seed in seeds]) for count in "01234"}
    planted = bootstrap(mean, np.concatenate([counts[count] for count in "1234"]))
    kept = bootstrap(mean, counts["0"])
    return {
        "policies": policies,
        "errors_removed": errors_removed[0],
        "errors_removed_ci_low": errors_removed[1],
        "gain_over_best_headless_ci_low": gains[best].low,
        "best_headless": best,
        "gains": {name: list(gain) for name, gain in gains.items()},
        "errors_removed_by_looking_back": removed(ours, settings[CONTROL]),
        "planted_repaired": planted.value,
        "planted_repaired_interval": list(planted),
        "planted_repaired_each": {count: float(right.mean()) for count, right in counts.items()},
        "clues_touched": sum(row["clues_touched"] for seed in seeds for row in seed["planted"].values()),
        "right_kept": kept.value,
        "right_kept_interval": list(kept),
        "head_cost": max(max(seed["head_cost"].values()) for seed in seeds),
        "exact": {name: float(each.quality.mean()) for name, each in settings.items()},
        "nfe_mean": {name: float(each.nfe.mean()) for name, each in settings.items()},
        "seeds": len(seeds),
    }


if __name__ == "__main__":
    files = sorted(RESULTS.glob("seed_*.json"))
    if not files:
        raise SystemExit(f"no results in {RESULTS}; run measure.py first")
    told = summary([json.loads(file.read_text()) for file in files])
    atomic_write_file(RESULTS / "summary.json", json.dumps(told, indent=1, ensure_ascii=False) + "\n")
