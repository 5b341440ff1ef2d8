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


@dataclass(frozen=True)
class Diluted(NoiseSchedule):
    """α(t) = (1 − t)/(1 + c(t)) with c(t) = B·√(t(1 − t)): `Linear`, diluted by noise that comes and goes again (von
    Rütte et al. 2025, GIDD, arXiv 2503.04482)."""

    most: float

    def dilution(self, t: Tensor) -> Tensor:
        """c(t), elementwise."""
        return self.most * (t * (1 - t)).clamp(min=0).sqrt()

    def dilution_slope(self, t: Tensor) -> Tensor:
        """dc/dt, elementwise; unbounded at 0 and 1, where it is cut off."""
        return self.most * (1 - 2 * t) / (2 * (t * (1 - t)).clamp(min=1e-12).sqrt())

    def alpha(self, t: Tensor) -> Tensor:
        return (1 - t) / (1 + self.dilution(t))

    def derivative(self, t: Tensor) -> Tensor:
        c = self.dilution(t)
        return -(1 + c + (1 - t) * self.dilution_slope(t)) / (1 + c) ** 2

    def inverse(self, alpha: Tensor) -> Tensor:
        # (1 − t) = α(1 + c): with r = √(t/(1 − t)), 1 = α(1 + r²) + αBr, a quadratic in r.
        half = alpha * self.most / 2
        root = ((half**2 + alpha * (1 - alpha)).clamp(min=0).sqrt() - half) / alpha.clamp(min=1e-300)
        return (root**2 / (1 + root**2)).where(alpha > 0, 1.0)
