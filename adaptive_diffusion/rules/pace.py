"""How many open positions now? A count per row, taken from the top of the order."""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from adaptive_diffusion.core.parameters import check_steps
from adaptive_diffusion.core.prediction import Prediction
from adaptive_diffusion.core.rule import ABSORBING, Revision, UnmaskingPace, open_share
from adaptive_diffusion.core.state import SamplerState


@dataclass(frozen=True)
class Clocked(UnmaskingPace):
    """A pace whose clock runs from noise level 1 to 0 in equal steps, Δt = 1/steps.

    Raises:
        ValueError: fewer than one step.
    """

    steps: int
    clocked = True

    def __post_init__(self) -> None:
        check_steps(self.steps, "gives the clock nothing to do")

    def horizon(self, length: int) -> int:
        return self.steps

    def next_level(self, state: SamplerState) -> Tensor:
        # Counted from the step, not subtracted, so that the last level is exactly 0.
        return (1 - (state.step + 1).double() / self.steps).clamp(min=0)


@dataclass(frozen=True)
class FixedSteps(Clocked):
    """N/steps positions a step, the remainder to the early steps, so the sequence is full after `steps` steps
    (Nie et al. 2025, arXiv 2502.09992). Positions that remasking opens are made up for in the same step, so the
    number of clean tokens stays on schedule (Kim et al. 2025b, PRISM, arXiv 2510.01384)."""

    def __call__(
        self, state: SamplerState, prediction: Prediction, score: Tensor, revision: Revision, next_level: Tensor
    ) -> Tensor:
        total = state.eligible.sum(1)
        done = (state.step + 1).clamp(max=self.steps)
        target = total // self.steps * done + (total % self.steps).minimum(done)
        clean = state.revisable.sum(1) - revision.remask.sum(1)
        return (target - clean).clamp(min=0)


@dataclass(frozen=True)
class CosineSteps(Clocked):
    """After a share r of the steps ⌊N·cos(πr/2)⌋ of N positions stay open, at least one fewer a step: few commits while
    little is known (Chang et al. 2022, MaskGIT, arXiv 2202.04200). What remasking opens is made up for."""

    def next_level(self, state: SamplerState) -> Tensor:
        return state.corruption.schedule.inverse(1 - self.open_after(state))

    def open_after(self, state: SamplerState) -> Tensor:
        """[B] float64, the share that stays open after this step."""
        # Beyond 0 the cosine of π/2 in floating point would leave 6e-17.
        return (torch.pi / 2 * super().next_level(state).neg().add(1)).cos().where(state.step + 1 < self.steps, 0.0)

    def __call__(
        self, state: SamplerState, prediction: Prediction, score: Tensor, revision: Revision, next_level: Tensor
    ) -> Tensor:
        stays = (state.eligible.sum(1) * self.open_after(state)).floor().long()
        return (state.open.sum(1) + revision.remask.sum(1) - stays).clamp(min=1)


@dataclass(frozen=True)
class ProportionalSteps(Clocked):
    """⌊|M|·(1 − s/t)⌋ of the |M| open positions, all at the last step; s and t the next and the present of `steps` + 1
    noise levels in equal distances from 1 to `end` (Ye et al. 2025, Dream, arXiv 2508.15487).

    As the levels end above 0, a share that would divide evenly loses one: 8 positions in 8 steps are committed as
    0, 1, 1, 1, 1, 1, 1, 2.

    Raises:
        ValueError: fewer than one step, an `end` outside (0, 1).
    """

    end: float = 1e-3

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0 < self.end < 1:
            raise ValueError(f"end={self.end} must lie between 0 and 1; Dream's is 1e-3")

    def level(self, step: Tensor) -> Tensor:
        """[B] float64 noise level after `step` [B] steps, before the last."""
        return (1 - (1 - self.end) * step.double() / self.steps).clamp(min=self.end)

    def next_level(self, state: SamplerState) -> Tensor:
        return self.level(state.step + 1).where(state.step + 1 < self.steps, 0.0)

    def __call__(
        self, state: SamplerState, prediction: Prediction, score: Tensor, revision: Revision, next_level: Tensor
    ) -> Tensor:
        share = 1 - next_level / self.level(state.step)
        return (state.open.sum(1) * share).floor().long()


@dataclass(frozen=True)
class FixedCount(UnmaskingPace):
    """`count` positions a step, whatever the prediction; 1 is the one-token-per-step sampler."""

    count: int = 1

    def __post_init__(self) -> None:
        if self.count < 1:
            raise ValueError(f"count={self.count} would never finish; use at least 1")

    def next_level(self, state: SamplerState) -> Tensor:
        return open_share(state, state.open.sum(1) - self.count)

    def __call__(
        self, state: SamplerState, prediction: Prediction, score: Tensor, revision: Revision, next_level: Tensor
    ) -> Tensor:
        return torch.full_like(state.step, self.count)


@dataclass(frozen=True)
class Threshold(UnmaskingPace):
    """{c ≥ τ} ∪ {argmax c}: every open position whose score reaches τ, at least one (Wu et al. 2025, Fast-dLLM, arXiv
    2505.22618).

    c is the order's score, so τ bounds the confidence under `Confidence` and the margin under `Margin`. Scores of an
    order of your own have to pass a τ from 0 to 1; entropies are bounded by `EntropyBound`. Infinity opens `at_least`
    positions.

    Raises:
        ValueError: `at_least` below 1, or a threshold above 1, which no probability reaches, or below 0, which all do.
    """

    threshold: float = 0.9
    at_least: int = 1

    def __post_init__(self) -> None:
        if self.at_least < 1:
            raise ValueError(f"at_least={self.at_least} would never finish; use at least 1")
        if 1 < self.threshold < math.inf:
            raise ValueError(f"threshold={self.threshold} is above every probability; use for instance 0.9 for 90%")
        if self.threshold < 0:
            raise ValueError(f"threshold={self.threshold} commits everything at once; use one from 0 to 1, such as 0.9")

    def __call__(
        self, state: SamplerState, prediction: Prediction, score: Tensor, revision: Revision, next_level: Tensor
    ) -> Tensor:
        return (state.open & (score >= self.threshold)).sum(1).clamp(min=self.at_least)


@dataclass(frozen=True)
class RandomThreshold(UnmaskingPace):
    """A threshold of each row's own, log-uniform in 1 − τ between the bounds: the pace of on-policy training, which so
    meets the states of samplers with high and with low thresholds alike."""

    low: float = 0.5
    high: float = 0.99
    draws = True

    def __post_init__(self) -> None:
        if not 0 <= self.low < self.high < 1:
            raise ValueError(f"bounds {self.low} and {self.high} must satisfy 0 ≤ low < high < 1")

    def __call__(
        self, state: SamplerState, prediction: Prediction, score: Tensor, revision: Revision, next_level: Tensor
    ) -> Tensor:
        low, high = math.log(1 - self.low), math.log(1 - self.high)
        threshold = 1 - (high + (low - high) * state.noise.once_a_query("threshold")).exp()
        return (state.open & (score >= threshold[:, None])).sum(1).clamp(min=1)


class AncestralPace(Clocked):
    """Each open position commits with probability (α_s − (1 − σ)α_t)/(1 − α_t), s the next noise level and σ what
    remasking takes out (0 without): the exact reverse process (Sahoo et al. 2024, arXiv 2406.07524; Wang et al. 2025,
    arXiv 2503.00307). The clock is the subclass's.

    The count is the number of open positions whose uniform falls below that probability; with the `Random` order the
    committed set is then exactly the independent one.
    """

    corruptions = ABSORBING
    draws = True

    def __call__(
        self, state: SamplerState, prediction: Prediction, score: Tensor, revision: Revision, next_level: Tensor
    ) -> Tensor:
        alpha = state.corruption.schedule.alpha
        probability = commit_probability(alpha(state.noise_level), alpha(next_level), revision.remask_probability)
        uniform = state.noise.everywhere("pace", state.tokens.shape[1])
        return (state.open & (uniform < probability[:, None])).sum(1)


def commit_probability(alpha_t: Tensor, alpha_s: Tensor, remask_probability: Tensor) -> Tensor:
    """(α_s − (1 − σ)α_t)/(1 − α_t), elementwise: with it an open position commits on the way from α_t to α_s, where a
    committed one leaves with σ."""
    return (alpha_s - (1 - remask_probability) * alpha_t) / (1 - alpha_t).clamp(min=1e-300)


@dataclass(frozen=True)
class Ancestral(AncestralPace):
    """The ancestral reverse process in equal steps down to noise level 0 (Sahoo et al. 2024, MDLM, arXiv
    2406.07524)."""


@dataclass(frozen=True)
class FirstHitting(UnmaskingPace):
    """One position a step, at the time the reverse process would commit its next one: 1 − α ← (1 − α)·u^(1/|M|), then
    the forward, then a uniformly chosen position (`Random`). The exact process in |M| forwards (Zheng et al. 2024,
    arXiv 2409.02908)."""

    corruptions = ABSORBING
    draws = True

    def first_level(self, state: SamplerState) -> Tensor:
        return self._hit(state, torch.ones_like(state.noise_level), state.open.sum(1), "first hitting")

    def next_level(self, state: SamplerState) -> Tensor:
        masked = 1 - state.corruption.schedule.alpha(state.noise_level)
        return self._hit(state, masked, state.open.sum(1) - 1, "hitting")

    def level_after(self, state: SamplerState, left: Tensor, next_level: Tensor) -> Tensor:
        return next_level

    def _hit(self, state: SamplerState, masked: Tensor, count: Tensor, purpose: str) -> Tensor:
        drop = state.noise.once_a_step(purpose) ** (1 / count.clamp(min=1))
        return state.corruption.schedule.inverse(1 - (masked * drop).where(count > 0, 0.0))

    def __call__(
        self, state: SamplerState, prediction: Prediction, score: Tensor, revision: Revision, next_level: Tensor
    ) -> Tensor:
        return torch.ones_like(state.step)


def even_quota(state: SamplerState, steps: int) -> Tensor:
    """[B] int64, ⌊N/steps⌋ of the N eligible positions, and one more in the first N mod steps steps."""
    total = state.eligible.sum(1)
    return total // steps + (state.step < total % steps)
