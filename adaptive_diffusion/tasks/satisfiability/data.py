"""3-SAT for training and evaluation: endless training formulas, fixed validation and test sets."""

from typing import Literal

from adaptive_diffusion.tasks.data import TaskData, at_least_one
from adaptive_diffusion.tasks.satisfiability.formulas import Formulas, Size
from adaptive_diffusion.tasks.satisfiability.generator import generate
from adaptive_diffusion.tasks.satisfiability.task import SatisfiabilityTask


class SatisfiabilityData(TaskData):
    """Random formulas that can be satisfied, each with its first assignment.

    A hash that is the same for every renaming and negation of variables and every order of clauses and literals decides
    the split, so that a held-out formula is no image of a training formula.

    Args:
        variables, clauses: of `Size`.
        held_out_problems: formulas of validation and of test.
        batch_size, seed, evaluation_seed, evaluation_batch_size, threads: of `TaskData`.

    Raises:
        ValueError: a size that cannot be, or a number below 1.
    """

    task: SatisfiabilityTask

    def __init__(
        self,
        variables: int = 9,
        clauses: int = 38,
        held_out_problems: int = 1000,
        batch_size: int = 128,
        seed: int = 0,
        evaluation_seed: int = 0,
        evaluation_batch_size: int = 500,
        threads: int = 1,
    ) -> None:
        super().__init__(batch_size, seed, evaluation_seed, evaluation_batch_size, threads)
        at_least_one(held_out_problems=held_out_problems)
        self.task = SatisfiabilityTask(Size(variables, clauses))
        self.held_out_problems = held_out_problems

    def training(self, position: int, count: int) -> Formulas:
        return generate(self.task.size, count, "train", self.seed, position)

    def held_out(self, split: Literal["validation", "test"]) -> Formulas:
        return generate(self.task.size, self.held_out_problems, split, self.evaluation_seed)
