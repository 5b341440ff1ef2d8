"""Pools the seeds of results/seed_*.json into results/summary.json: curves over queries and seeds, compared at equal
cost and at equal accuracy."""

import json
from pathlib import Path

import numpy as np
from families import FAMILIES, POLICIES

from adaptive_diffusion.evaluation.answers import ScoredAnswers
from adaptive_diffusion.evaluation.curves import Curves, quality_at
from adaptive_diffusion.evaluation.intervals import bootstrap, mean
from adaptive_diffusion.evaluation.resampling import interval_of
from adaptive_diffusion.evaluation.rivals import rivalry
from adaptive_diffusion.storage.atomic_write import atomic_write_file

RESULTS = Path(__file__).parent / "results"
CONTROL = "halting_alone"
LEARNED = [name for name in POLICIES if name != CONTROL]


def answers(seed):
    """The figures of every setting, query by query."""
    found = []
    for row in seed["samplers"]:
        part = seed["queries"][row["sampler"]]
        exact, nfe = bits(part["exact"]), np.array(part["nfe"].split(), float)
        found.append(ScoredAnswers(row["sampler"], row["family"], np.arange(len(nfe)), nfe, exact.astype(float)))
    return found


def bits(text):
    return np.array([letter == "1" for letter in text])


def errors_removed(curves, ours, theirs):
    """Share of the errors of their curve that ours does not make, at the cost of our most accurate setting:
    1 − (1 − our quality) / (1 − their quality there). A rule that cannot be as cheap is taken at its cheapest."""
    mine, other = (curves.members[name] for name in (ours, theirs))
    best = max(mine, key=lambda number: (curves.value[2 * number + 1], -curves.value[2 * number]))

    def statistic(means):
        cost, quality = means[:, 2 * other], means[:, 2 * other + 1]
        budget = np.maximum(means[:, 2 * best], cost.min(1))
        left = 1 - quality_at(cost, quality, budget[:, None])[:, 0]
        return np.where(left > 0, 1 - (1 - means[:, 2 * best + 1]) / np.maximum(left, 1e-12), np.nan)

    return interval_of(statistic, curves.value, curves.draws).to_json()


def summary(seeds):
    """The figures of the claim."""
    curves = Curves([answers(seed) for seed in seeds])
    found = rivalry(curves, [*LEARNED, CONTROL])
    ours = max(LEARNED, key=lambda name: curves.area(name, curves.shared_costs(LEARNED)).value)
    against = {}
    for name in (*FAMILIES, CONTROL):
        cost, quality = curves.points(name)
        against[name] = {
            **curves.compare(ours, name).to_json(),
            "errors_removed": errors_removed(curves, ours, name),
            "reaches": {"correct": float(quality.max()), "nfe_mean": float(cost[quality.argmax()])},
        }
    counts = {count: np.concatenate([bits(seed["planted"][count]["exact"]) for seed in seeds]) for count in "01234"}
    planted = bootstrap(mean, np.concatenate([counts[count] for count in "1234"]))
    right = bootstrap(mean, counts["0"])
    cost, quality = curves.points(ours)
    best = found.best_unlearned
    return {
        "best_learned": ours,
        "correct": float(quality.max()),
        "nfe_mean": float(cost[quality.argmax()]),
        "best_headless": best,
        "errors_removed": against[best]["errors_removed"],
        "cost_ratio_at_equal_accuracy": against[best]["cost_ratio_at_equal_accuracy"],
        "accuracy_gain_at_equal_cost": against[best]["accuracy_gain_at_equal_cost"],
        "errors_removed_by_looking_back": against[CONTROL]["errors_removed"],
        "against": against,
        "curves": curves.to_json(),
        "planted_repaired": planted.to_json(),
        "planted_repaired_each": {count: float(shares.mean()) for count, shares in counts.items()},
        "clues_touched": sum(row["clues_touched"] for seed in seeds for row in seed["planted"].values()),
        "right_kept": right.to_json(),
        "head_cost": max(max(seed["head_cost"].values()) for seed in seeds),
        "queries": len(seeds[0]["queries"][seeds[0]["samplers"][0]["sampler"]]["exact"]),
        "seeds": len(seeds),
    }


if __name__ == "__main__":
    files = sorted(RESULTS.glob("seed_*.json"))
    if not files:
        raise SystemExit(f"no results in {RESULTS}; run measure.py first")
    found = summary([json.loads(file.read_text()) for file in files])
    atomic_write_file(RESULTS / "summary.json", json.dumps(found, indent=1, ensure_ascii=False) + "\n")
