"""Do the forwards of the cost-aware head follow what is hard? On the test queries of finished runs: Spearman's ρ of its
forwards with every measure of difficulty of the task, and of the forwards of two trainings with each other. What two
trainings share can be foretold from a query, in part by a measure that is not here. Other tasks of the file stay.

python experiments/when_learning_to_stop_pays/difficulty.py runs/when_learning_to_stop_pays,maze,*
"""

import argparse
import json
from itertools import combinations, product
from pathlib import Path
from typing import Any

import numpy as np

from adaptive_diffusion.evaluation.answers import read_answers
from adaptive_diffusion.evaluation.correlation import spearman
from adaptive_diffusion.runs.stages.halting_head import evenly_spaced
from adaptive_diffusion.runs.trained_model import checkpoint_file, load_trained_model
from adaptive_diffusion.storage.atomic_write import atomic_write_file
from adaptive_diffusion.storage.manifest import now, provenance

RESULTS = Path(__file__).parent / "results"
POLICY = "cost_aware"


def by_enumeration(clauses: np.ndarray, variables: int) -> dict[str, float]:
    """Of all assignments to a 3-SAT formula, clauses [m, 3] with 0 as padding: how many satisfy it, and the expected
    flips of a random walk from a random assignment to one of them.

    The walk flips a random variable of a random violated clause (Papadimitriou, FOCS 1991). With P its transitions
    between assignments that violate a clause, the flips h solve (I - P) h = 1, [2^n] equations: few variables only.
    """
    assignments = np.array(list(product([False, True], repeat=variables)))
    number, place = np.arange(len(assignments)), 1 << np.arange(variables)[::-1]
    step, violated = np.zeros((len(number), len(number))), np.zeros(len(number))
    for literals in (clause[clause != 0] for clause in clauses if clause.any()):
        chosen = np.abs(literals) - 1
        open_ = (assignments[:, chosen] != (literals > 0)).all(1)
        violated += open_
        for variable in chosen:
            step[number, number ^ place[variable]] += open_ / len(chosen)
    unsolved = violated > 0
    step = step[np.ix_(unsolved, unsolved)] / violated[unsolved, None]
    flips = np.linalg.solve(np.eye(len(step)) - step, np.ones(len(step))).sum() / len(number)
    return {"solutions": float((~unsolved).sum()), "flips": float(flips)}


def more_measures(problems: Any) -> dict[str, np.ndarray]:
    """What `by_enumeration` finds of each formula."""
    variables = problems.assignment.shape[1]
    found = [by_enumeration(clauses, variables) for clauses in problems.clauses.numpy()]
    return {name: np.array([one[name] for one in found]) for name in found[0]}


MORE = {"satisfiability_9": more_measures}
"""Further measures of a task's problems by its name: those of a solver say little of so small formulas."""


def forwards(run: Path) -> np.ndarray:
    """Of each test query, at the price of the head's curve that is nearest to the policy's."""
    wanted = json.loads((run / "summary.json").read_text())["setting"]
    curve = [one for one in read_answers(run / "answers.parquet") if one.family == POLICY]
    return min(curve, key=lambda one: abs(np.log(float(one.name.split()[-1]) / wanted))).nfe


def of_task(runs: list[Path]) -> dict[str, Any]:
    """The correlations of one task, whose runs answered the same test queries."""
    source = load_trained_model(checkpoint_file(runs[0]))
    spent = [forwards(run) for run in runs]
    problems = source.data.test.take(evenly_spaced(len(source.data.test), len(spent[0])))
    measures = {name: values.double().numpy() for name, values in source.task.difficulty(problems).items()}
    measures |= MORE.get(source.task.name, lambda _: {})(problems)
    varied = {name: each for name, each in measures.items() if len(np.unique(each[~np.isnan(each)])) > 1}
    return {
        "seeds": [json.loads((run / "summary.json").read_text())["seed"] for run in runs],
        "queries": len(problems),
        "between_trainings": [spearman(*pair).to_json() for pair in combinations(spent, 2)],
        "with_difficulty": {name: [spearman(each, one).to_json() for one in spent] for name, each in varied.items()},
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs", nargs="+", type=Path)
    begun, by_task = now(), {}
    for run in sorted(parser.parse_args().runs):
        by_task.setdefault(json.loads((run / "summary.json").read_text())["task"], []).append(run)
    file = RESULTS / "difficulty.json"
    found = json.loads(file.read_text())["tasks"] if file.is_file() else {}
    for name, runs in by_task.items():
        found[name] = of_task(runs)
        measures = {"between": found[name]["between_trainings"], **found[name]["with_difficulty"]}
        for measure, each in measures.items():
            print(
                f"{name}: {measure}",
                *("not defined" if one["value"] is None else f"{one['value']:.2f}" for one in each),
            )
    content = {"tasks": dict(sorted(found.items())), "manifest": provenance("difficulty.py RUNS", begun)}
    atomic_write_file(file, json.dumps(content, indent=1) + "\n")


if __name__ == "__main__":
    main()
