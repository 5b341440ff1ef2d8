"""Remasking as part of the reverse process (Wang et al. 2025, ReMDM, arXiv 2503.00307).

On the way from t to s a committed token is taken back with probability σ, and an open position commits with probability
(α_s − (1 − σ)α_t)/(1 − α_t), which the pace `Ancestral` sees to. Any σ up to σ_max = min(1, (1 − α_s)/α_t) keeps the
marginals of the process without remasking. The papers' values are for 1,024 steps and top-p .9.
"""

from abc import abstractmethod
from dataclasses import dataclass

import torch
from torch import Tensor

from adaptive_diffusion.core.prediction import Prediction
from adaptive_diffusion.core.rule import ABSORBING, Remasking, Revision
from adaptive_diffusion.core.state import SamplerState
from adaptive_diffusion.rules.pace import AncestralPace


def largest_remask_probability(state: SamplerState, next_level: Tensor) -> Tensor:
    """[B] float64 σ_max; 1 where α_t = 0."""
    alpha = state.corruption.schedule.alpha
    return ((1 - alpha(next_level)) / alpha(state.noise_level).clamp(min=1e-300)).clamp(max=1)


class Leaving(Remasking):
    """Every committed token leaves with the row's σ, independently."""

    corruptions = ABSORBING
    draws = True

    @abstractmethod
    def remask_probability(self, state: SamplerState, next_level: Tensor) -> Tensor:
        """[B] float64 σ."""

    def __call__(self, state: SamplerState, prediction: Prediction, next_level: Tensor) -> Revision:
        remask_probability = self.remask_probability(state, next_level)
        uniform = state.noise.everywhere("remasking", state.tokens.shape[1])
        return Revision(state.revisable & (uniform < remask_probability[:, None]), remask_probability)


@dataclass(frozen=True)
class Cap(Leaving):
    """σ = min(η, σ_max)."""

    eta: float = 0.008

    def remask_probability(self, state: SamplerState, next_level: Tensor) -> Tensor:
        return largest_remask_probability(state, next_level).clamp(max=self.eta)


@dataclass(frozen=True)
class Rescale(Leaving):
    """σ = η·σ_max."""

    eta: float = 0.015

    def remask_probability(self, state: SamplerState, next_level: Tensor) -> Tensor:
        return self.eta * largest_remask_probability(state, next_level)


@dataclass(frozen=True)
class WhileHeld(Leaving):
    """σ = min(η, σ_max) while the clock is held, 0 while it runs; with the pace `AncestralLoop` this is ReMDM-loop."""

    eta: float = 0.02

    def remask_probability(self, state: SamplerState, next_level: Tensor) -> Tensor:
        return (
            largest_remask_probability(state, next_level)
            .clamp(max=self.eta)
            .where(next_level >= state.noise_level, 0.0)
        )


@dataclass(frozen=True)
class ByConfidence(Remasking):
    """σ_i = η·σ_max·softmax_i(−ψ) over the committed positions, ψ the probability a token had when it was committed.

    σ is 0 at open positions, so nothing is put back and the marginals are not preserved.
    """

    eta: float = 1.0
    corruptions = ABSORBING
    draws = True

    def remask_probabilities(self, state: SamplerState, next_level: Tensor) -> Tensor:
        """[B, L] float64 σ_i, 0 at open positions."""
        doubt = (-state.commit_probability.double()).masked_fill(~state.revisable, -torch.inf)
        largest = self.eta * largest_remask_probability(state, next_level)
        return largest[:, None] * doubt.softmax(1).nan_to_num()

    def __call__(self, state: SamplerState, prediction: Prediction, next_level: Tensor) -> Revision:
        uniform = state.noise.everywhere("remasking", state.tokens.shape[1])
        remask = state.revisable & (uniform < self.remask_probabilities(state, next_level))
        return Revision(remask, Revision.none(state).remask_probability)


@dataclass(frozen=True)
class AncestralLoop(AncestralPace):
    """`Ancestral` on the clock of ReMDM-loop: α rises from 0 to α_on while t falls from 1 to `t_on`, is held until
    `t_off`, and rises from α_on to 1 in the rest.

    Raises:
        ValueError: times or α_on out of order.
    """

    t_on: float = 0.55
    t_off: float = 0.05
    alpha_on: float = 0.9

    def __post_init__(self) -> None:
        super().__post_init__()
        if not (1 > self.t_on > self.t_off > 0 and 0 < self.alpha_on < 1):
            raise ValueError(
                f"t_on={self.t_on}, t_off={self.t_off} and alpha_on={self.alpha_on} must satisfy "
                "1 > t_on > t_off > 0 and 0 < alpha_on < 1"
            )

    def alpha(self, t: Tensor) -> Tensor:
        """α at the loop's own time t, elementwise."""
        before = self.alpha_on * (1 - t) / (1 - self.t_on)
        after = 1 - (1 - self.alpha_on) * t / self.t_off
        return torch.where(t >= self.t_on, before.clamp(max=self.alpha_on), after.clamp(min=self.alpha_on))

    def next_level(self, state: SamplerState) -> Tensor:
        return state.corruption.schedule.inverse(self.alpha(super().next_level(state)))
