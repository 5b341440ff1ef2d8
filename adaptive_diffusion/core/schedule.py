"""Noise schedules: the probability α(t) that a token survives to noise level t."""

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass

from torch import Tensor


class NoiseSchedule(ABC):
    """A decreasing map α from noise level t ∈ [0, 1] to survival probability, α(0) = 1 and α(1) = 0.

    A new schedule is a subclass with these three methods; every rule and objective works with it.
    """

    @abstractmethod
    def alpha(self, t: Tensor) -> Tensor:
        """α(t), elementwise, any shape."""

    @abstractmethod
    def derivative(self, t: Tensor) -> Tensor:
        """dα/dt at t, elementwise; never positive."""

    @abstractmethod
    def inverse(self, alpha: Tensor) -> Tensor:
        """The t with α(t) = alpha, elementwise."""


@dataclass(frozen=True)
class Linear(NoiseSchedule):
    """α(t) = 1 − t (Sahoo et al. 2024, arXiv 2406.07524; Shi et al. 2024, arXiv 2406.04329)."""

    def alpha(self, t: Tensor) -> Tensor:
        return 1 - t

    def derivative(self, t: Tensor) -> Tensor:
        return -(t * 0 + 1)

    def inverse(self, alpha: Tensor) -> Tensor:
        return 1 - alpha


@dataclass(frozen=True)
class Cosine(NoiseSchedule):
    """α(t) = 1 − cos(π(1 − t)/2), so the open share is cos(πr/2) at progress r = 1 − t (Chang et al. 2022, arXiv
    2202.04200)."""

    def alpha(self, t: Tensor) -> Tensor:
        return 1 - (math.pi / 2 * (1 - t)).cos()

    def derivative(self, t: Tensor) -> Tensor:
        return -math.pi / 2 * (math.pi / 2 * (1 - t)).sin()

    def inverse(self, alpha: Tensor) -> Tensor:
        return 1 - 2 / math.pi * (1 - alpha).clamp(-1, 1).acos()
