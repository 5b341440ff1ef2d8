"""Countdown for training and evaluation: endless training problems, fixed validation and test sets."""

from typing import Literal

from adaptive_diffusion.tasks.countdown.generator import distinct, generate
from adaptive_diffusion.tasks.countdown.problems import CountdownProblems, Limits
from adaptive_diffusion.tasks.countdown.task import CountdownTask
from adaptive_diffusion.tasks.data import TaskData, at_least_one


class CountdownData(TaskData):
    """Problems with a right derivation each.

    A problem is its numbers in any order and its target. A hash of them decides its split, so that no problem is both
    trained on and held out, and no problem comes twice in a held-out set.

    Args:
        numbers, largest_number, least_target, largest_target, largest: of `Limits`.
        held_out_problems: problems of validation and of test.
        batch_size, seed, evaluation_seed, evaluation_batch_size, threads: of `TaskData`.

    Raises:
        ValueError: limits that contradict each other, or a size below 1.
    """

    task: CountdownTask

    def __init__(
        self,
        numbers: int = 4,
        largest_number: int = 99,
        least_target: int = 10,
        largest_target: int = 100,
        largest: int = 999,
        held_out_problems: int = 2000,
        batch_size: int = 256,
        seed: int = 0,
        evaluation_seed: int = 0,
        evaluation_batch_size: int = 500,
        threads: int = 1,
    ) -> None:
        super().__init__(batch_size, seed, evaluation_seed, evaluation_batch_size, threads)
        at_least_one(held_out_problems=held_out_problems)
        self.task = CountdownTask(Limits(numbers, largest_number, least_target, largest_target, largest))
        self.held_out_problems = held_out_problems

    def training(self, position: int, count: int) -> CountdownProblems:
        return generate(self.task.limits, count, "train", self.seed, position)

    def held_out(self, split: Literal["validation", "test"]) -> CountdownProblems:
        return distinct(self.task.limits, self.held_out_problems, split, self.evaluation_seed)
