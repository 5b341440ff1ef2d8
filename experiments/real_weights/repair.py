"""Sapiens repairs heavy chains, 5 to 30% of whose residues were replaced at random: what is corrected, what is broken.

python experiments/real_weights/repair.py results/repair.json

The setting is chosen on validation chains by the recovery, and test chains are looked at once.
"""

import argparse
import json
from pathlib import Path

import torch

from adaptive_diffusion.config import compose_part, instantiate
from adaptive_diffusion.evaluation.intervals import bootstrap, mean, paired_difference
from adaptive_diffusion.rules.composed import Composed
from adaptive_diffusion.rules.order import Confidence
from adaptive_diffusion.rules.pace import FixedCount
from adaptive_diffusion.rules.plans.editing import TokenEditing
from adaptive_diffusion.rules.remasking import NoRemasking
from adaptive_diffusion.sampling import Sampler
from adaptive_diffusion.storage.atomic_write import atomic_write_file

THRESHOLDS = (0.0, 0.3, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95)
LOOKS = (1, 2, 4)
COLUMNS = ("score", "exact", "corrected", "broken")
ARGMAX = "replace_0_look_1"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path)
    parser.add_argument("--problems", type=int, default=200)
    options = parser.parse_args()
    torch.set_num_threads(1)
    data = instantiate(compose_part("task", "protein_repair", [f"held_out_problems={options.problems}", "seed=0"]))
    model = instantiate(compose_part("model", "sapiens"))
    samplers = {f"replace_{p:g}_look_{n}": editing(model, p, n) for p in THRESHOLDS for n in LOOKS}
    tried = {name: measured(sampler, data.task, data.validation) for name, sampler in samplers.items()}
    rows = {name: row(grades) for name, grades in tried.items()}
    chosen = max(rows, key=lambda name: rows[name]["score"])
    test = {name: measured(samplers[name], data.task, data.test) for name in (ARGMAX, chosen)}
    better = paired_difference(test[chosen]["score"].numpy(), test[ARGMAX]["score"].numpy())
    given = (data.test.tokens == data.test.clean) & data.test.editable
    result = {
        "queries": options.problems,
        "chosen": chosen,
        "recovery_before": float((given.sum(1) / data.test.editable.sum(1)).mean()),
        "test": {name: intervals(grades) for name, grades in test.items()},
        "recovery_over_argmax_everywhere": better.to_json(),
        "validation": rows,
    }
    atomic_write_file(options.out, json.dumps(result, indent=2) + "\n")
    print(chosen, {name: row(grades) for name, grades in test.items()})


def editing(model, threshold: float, looks: int) -> Sampler:
    """Residues are replaced where another one has a probability above the threshold, in so many looks at the chain."""
    inner = Composed(Confidence(), FixedCount(1), NoRemasking())
    return Sampler(model, plan=TokenEditing(inner, threshold=threshold, extra=looks))


def measured(sampler: Sampler, task, problems) -> dict[str, torch.Tensor]:
    result = sampler.sample(task.queries(problems), slots=64)
    grades = task.grades(result.answers, problems)
    return {**{name: grades[name].double() for name in COLUMNS}, "nfe": result.nfe.double()}


def row(grades: dict[str, torch.Tensor]) -> dict[str, float]:
    return {name: float(values.mean()) for name, values in grades.items()}


def intervals(grades: dict[str, torch.Tensor]) -> dict[str, dict]:
    return {name: bootstrap(mean, values.numpy()).to_json() for name, values in grades.items()}


if __name__ == "__main__":
    main()
