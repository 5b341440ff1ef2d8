"""Recorded trajectories, and what a halting head learns to predict at each of their steps."""

from abc import ABC, abstractmethod
from dataclasses import dataclass

from torch import Tensor
from torch.nn import functional as F


@dataclass(frozen=True)
class Trajectories:
    """B trajectories of at most T steps, recorded past every halting point up to where nothing more can change.

    Attributes:
        observation: [B, T, F], what the head is shown after each step.
        score: [B, T] float in [0, 1], the task's score of the answer if the row stops after this step; 1 is right.
        changed: [B, T] float in [0, 1], the share of that answer's tokens that differ from the answer at the row's end.
        cost: [B, T] float, forwards the step took.
        taken: [B, T] bool, steps that were taken, a prefix of each row. A row stops at its last one at the latest.
    """

    observation: Tensor
    score: Tensor
    changed: Tensor
    cost: Tensor
    taken: Tensor

    @property
    def last(self) -> Tensor:
        """[B, T] bool, each row's last step."""
        return self.taken & ~F.pad(self.taken[:, 1:], (0, 1))

    def take(self, rows: Tensor) -> "Trajectories":
        """Some of the rows."""
        return Trajectories(*(value[rows] for value in vars(self).values()))

    def mean(self, value: Tensor) -> Tensor:
        """The mean of [B, T, …] over the steps that were taken."""
        return value[self.taken].mean()


class StoppingTarget(ABC):
    """How good it is to stop after each step: what a halting head learns to predict. It is an immutable value."""

    @abstractmethod
    def __call__(self, trajectories: Trajectories) -> Tensor:
        """[B, T] float in [0, 1]; 1 where stopping loses nothing."""


@dataclass(frozen=True)
class Correct(StoppingTarget):
    """The task's score of the answer if the row stops now: 1 where it is right. It needs a verifier."""

    def __call__(self, trajectories: Trajectories) -> Tensor:
        return trajectories.score


@dataclass(frozen=True)
class Agreement(StoppingTarget):
    """1 where the answer if the row stops now is the answer of the full budget, up to a share of its tokens, else 0
    (the consistency of Schuster et al. 2022, CALM, arXiv 2207.07061). It needs no verifier, so it serves any text.

    Attributes:
        tolerance: ε, the largest share of editable tokens that may differ; 0 demands the very same answer.

    Raises:
        ValueError: a tolerance outside [0, 1).
    """

    tolerance: float = 0.0

    def __post_init__(self) -> None:
        if not 0 <= self.tolerance < 1:
            raise ValueError(f"tolerance={self.tolerance} is no share of tokens that may differ; use 0 or, say, 0.05")

    def __call__(self, trajectories: Trajectories) -> Tensor:
        return (trajectories.changed <= self.tolerance).to(trajectories.score)
