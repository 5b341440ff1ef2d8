"""Gathers runs of `when_learning_to_stop_pays`, one for each task and seed, into `results/summary.json`. The answers
of a run and what it measured are kept in `results/runs`, so a further seed is added by naming its run alone. Tasks of
which no run is kept stay as they are.

python experiments/when_learning_to_stop_pays/collect.py runs/when_learning_to_stop_pays*
"""

import argparse
import json
import shutil
from collections import defaultdict
from dataclasses import replace
from pathlib import Path
from statistics import mean
from typing import Any

from adaptive_diffusion.evaluation.answers import read_answers
from adaptive_diffusion.evaluation.curves import Curves
from adaptive_diffusion.evaluation.rivals import Rivalry, rivalry
from adaptive_diffusion.storage.atomic_write import atomic_write_file

RESULTS = Path(__file__).parent / "results"
POLICY = "cost_aware"
ALL = "all_without_learning"
"""One curve through the best settings of every rule without learning."""
USED = ("task", "seed", "heads", "run_to_the_end", "oracle", "risk_control", "test", "stratified")
MEASURES = ("regret_to_oracle", "spearman", "share_given_up", "cost_spent_on_unsolved", "overthinking")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("runs", nargs="*", type=Path, help="finished run folders; none: those that are kept")
    for folder in parser.parse_args().runs:
        keep(folder)
    by_task = defaultdict(list)
    for folder in sorted((RESULTS / "runs").iterdir()):
        run = json.loads((folder / "summary.json").read_text())
        by_task[run["task"]].append((run, folder))
    tasks = {name: of_task(name, sorted(runs, key=lambda one: one[0]["seed"])) for name, runs in by_task.items()}
    file = RESULTS / "summary.json"
    others = {task["name"]: task for task in json.loads(file.read_text())["tasks"]} if file.is_file() else {}
    listed = [task for _, task in sorted((others | tasks).items())]
    atomic_write_file(file, json.dumps({"tasks": listed}, indent=2, ensure_ascii=False) + "\n")


def keep(folder: Path) -> None:
    """Copies what a task's figures are made from."""
    run = json.loads((folder / "summary.json").read_text())
    kept = RESULTS / "runs" / f"{run['task']}-{run['seed']}"
    kept.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(folder / "answers.parquet", kept / "answers.parquet")
    used = {key: run[key] for key in USED if key in run}
    atomic_write_file(kept / "summary.json", json.dumps(used, indent=1, ensure_ascii=False) + "\n")


def of_task(name: str, runs: list[tuple[dict[str, Any], Path]]) -> dict[str, Any]:
    """The figures of one task over its seeds: means, and the widest of the seeds' intervals; curves are compared over
    queries and seeds together, and for each seed alone."""
    seeds = [run for run, _ in runs]
    answers = [read_answers(folder / "answers.parquet") for _, folder in runs]
    curves = Curves(answers)
    heads = [head for head in seeds[0]["heads"] if head in curves.families]
    unlearned = [[one for one in seed if one.family not in {*heads} - {POLICY}] for seed in answers]
    chief, *each_seed = (best_rival(name, Curves(part)) for part in [unlearned, *([one] for one in unlearned)])
    pooled = [[one if one.family in heads else replace(one, family=ALL) for one in seed] for seed in answers]
    test = [run["test"] for run in seeds]
    difficult = [run.get("stratified", run["test"]) for run in seeds]
    return {
        "name": name,
        "seeds": [run["seed"] for run in seeds],
        "accuracy_full_budget": mean(run["run_to_the_end"]["correct"]["value"] for run in seeds),
        "nfe_full_budget": mean(run["run_to_the_end"]["nfe_mean"]["value"] for run in seeds),
        "oracle": {key: mean(run["oracle"][key]["value"] for run in seeds) for key in ("correct", "nfe_mean")},
        "best_unlearned": chief.best_unlearned,
        **chief.chief.to_json(),
        f"against_{ALL}": Curves(pooled).compare(POLICY, ALL).to_json(),
        "each_seed": [{"best_unlearned": one.best_unlearned, **one.chief.to_json()} for one in each_seed],
        **{key: together([measures[key] for measures in test]) for key in MEASURES if key != "spearman"},
        "spearman": together([measures["spearman"] for measures in difficult]),
        "gain_over_shuffle_ci_low": min(measures["gain_over_shuffle"]["low"] for measures in test),
        "gain_over_random_ci_low": min(measures["gain_over_random"]["low"] for measures in test),
        "heads": {head: curves.compare(head, chief.best_unlearned).to_json() for head in heads},
        "risk_control": [risks(list(each)) for each in zip(*(run["risk_control"] for run in seeds), strict=True)],
        "curves": {family: points for family, points in curves.to_json().items() if family in curves.rules},
    }


def best_rival(task: str, curves: Curves) -> Rivalry:
    """The policy against the best rule without learning.

    Raises:
        ValueError: there is no rule without learning.
    """
    found = rivalry(curves, [POLICY])
    if found is None:
        raise ValueError(f"{task}: its runs have no rule without learning to compare {POLICY} with")
    return found


def together(intervals: list[dict[str, Any]]) -> dict[str, float | None]:
    """Mean value, least lower and largest upper end; null where a seed defines none."""
    if any(one[end] is None for one in intervals for end in one):
        return {"value": None, "low": None, "high": None}
    value = mean(one["value"] for one in intervals)
    return {"value": value, "low": min(one["low"] for one in intervals), "high": max(one["high"] for one in intervals)}


def risks(seeds: list[dict[str, Any]]) -> dict[str, Any]:
    """What was promised, what was lost on test queries, and which share of the cost was left, by seed."""
    promised = {key: seeds[0][key] for key in ("risk", "confidence", "queries")}
    return promised | {key: [seed[key] for seed in seeds] for key in ("setting", "seen", "cost_share")}


if __name__ == "__main__":
    main()
