"""Is this query finished, and how is its answer read off? Rules without learning.

A row also ends, under every rule, when its sequence is settled (`Decision.settled`) or the step limit is reached.
"""

from abc import abstractmethod
from dataclasses import dataclass

import torch
from torch import Tensor

from adaptive_diffusion.core.logit_statistics import CurrentTokenProbability, Entropy, Top
from adaptive_diffusion.core.prediction import Logits, LogitStatistic, Prediction
from adaptive_diffusion.core.rule import Halting
from adaptive_diffusion.core.state import Decision, Finish, HaltDecision, SamplerState


@dataclass(frozen=True)
class AllCommitted(Halting):
    """Stop when nothing is open and nothing was taken back: the plain sampler, which ends by its plan alone."""

    reason = "all_committed"
    sentence = "every position is committed"

    def __call__(self, state: SamplerState, prediction: Prediction, decision: Decision) -> HaltDecision:
        return HaltDecision(torch.zeros_like(decision.settled))


@dataclass(frozen=True)
class RunToCompletion(Halting):
    """Never stop a row, but compute what a learned halting head looks at: the halting of rollouts that such a head
    learns from, which must go on past the point where it would stop."""

    reason = "all_committed"
    sentence = "every position is committed"
    reads_committed = True

    def logit_statistics(self) -> tuple[LogitStatistic, ...]:
        return Top(), CurrentTokenProbability(), Entropy()

    def __call__(self, state: SamplerState, prediction: Prediction, decision: Decision) -> HaltDecision:
        return HaltDecision(torch.zeros_like(decision.settled))


@dataclass(frozen=True)
class MaxSteps(Halting):
    """Stop after `steps` steps; what is still open is filled from the last prediction.

    Raises:
        ValueError: fewer than one step.
    """

    steps: int
    reason = "max_steps"
    sentence = "the fixed number of steps was reached"

    def __post_init__(self) -> None:
        if self.steps < 1:
            raise ValueError(f"steps={self.steps}: a sampler takes at least 1 step")

    def __call__(self, state: SamplerState, prediction: Prediction, decision: Decision) -> HaltDecision:
        return HaltDecision(state.step + 1 >= self.steps)


@dataclass(frozen=True)
class StableAndConfident(Halting):
    """Stop when the argmax at all eligible positions has not changed for `stability` steps, which takes stability + 1
    equal predictions, and the mean entropy of the processed logits is below the threshold; answer with the argmax
    everywhere (DiffusionGemma, Google 2026). With stability 0 every prediction is stable.

    It carries the last `stability` argmax sequences, [B, stability, L] int64.

    Raises:
        ValueError: a negative stability.
    """

    stability: int = 1
    threshold: float = 0.005
    reason = "stable"
    sentence = "the prediction stopped changing and is confident"
    explanation = "mean entropy {entropy:.4f}, prediction unchanged: {stable:.0f}"
    finish = Finish.ARGMAX
    reads_committed = True

    def __post_init__(self) -> None:
        if self.stability < 0:
            raise ValueError(f"stability={self.stability} must not be negative")

    def logit_statistics(self) -> tuple[LogitStatistic, ...]:
        return Top(), Entropy()

    def init_carry(self, state: SamplerState, vocabulary: int) -> dict[str, Tensor]:
        batch, length = state.tokens.shape
        return {"stable.predictions": state.tokens.new_full((batch, self.stability, length), -1)}

    def update_carry(self, state: SamplerState, prediction: Prediction, decision: Decision) -> dict[str, Tensor]:
        later = torch.cat([state.carry["stable.predictions"], prediction["argmax"][:, None]], dim=1)
        return {"stable.predictions": later[:, 1:]}

    def __call__(self, state: SamplerState, prediction: Prediction, decision: Decision) -> HaltDecision:
        same = state.carry["stable.predictions"] == prediction["argmax"][:, None]
        stable = (same | ~state.eligible[:, None]).all(2).all(1)
        entropy = mean_over(prediction["entropy"], state.eligible)
        return HaltDecision(stable & (entropy < self.threshold), seen={"entropy": entropy, "stable": stable.double()})


@dataclass(frozen=True)
class LogitGap(LogitStatistic):
    """`logit_gap` z₍₁₎ − z₍₂₎, the lead of the largest logit."""

    def __call__(self, logits: Logits) -> dict[str, Tensor]:
        value = logits.values.topk(min(2, logits.values.shape[-1]), dim=-1).values
        return {"logit_gap": value[:, 0] - value[:, -1]}


class GapHalting(Halting):
    """Commit the rest at once when the mean logit gap over the answer, committed positions included, reaches a
    threshold that falls with progress, the share of `steps` that are done."""

    steps: int
    reason = "confident"
    sentence = "the prediction was confident enough to commit the rest at once"
    explanation = "mean logit gap {gap:.2f}; it stops at {threshold:.2f}"
    reads_committed = True

    def __post_init__(self) -> None:
        if self.steps < 1:
            raise ValueError(f"steps={self.steps}: progress is measured against at least 1 step")

    @abstractmethod
    def threshold(self, step: Tensor) -> Tensor:
        """The threshold at each row's step, elementwise."""

    def logit_statistics(self) -> tuple[LogitStatistic, ...]:
        return Top(), LogitGap()

    def __call__(self, state: SamplerState, prediction: Prediction, decision: Decision) -> HaltDecision:
        gap, threshold = mean_over(prediction["logit_gap"], state.eligible), self.threshold(state.step).double()
        return HaltDecision(gap >= threshold, seen={"gap": gap, "threshold": threshold.expand_as(gap)})


@dataclass(frozen=True)
class Prophet(GapHalting):
    """Gap at least 7.5 in the first third of the steps, 5 in the second, 2.5 in the last (Li et al. 2025, Prophet,
    arXiv 2508.19982)."""

    steps: int
    early: float = 7.5
    middle: float = 5.0
    late: float = 2.5

    def threshold(self, step: Tensor) -> Tensor:
        late = torch.where(3 * step < 2 * self.steps, self.middle, self.late)
        return torch.where(3 * step < self.steps, self.early, late)


@dataclass(frozen=True)
class Sched(GapHalting):
    """Gap at least τ(r) = low + (high − low)·e^(−rate·r) at progress r: a threshold that falls smoothly (Mohamed et al.
    2025, SchED, arXiv 2512.02892)."""

    steps: int
    high: float = 7.5
    low: float = 0.0
    rate: float = 2.0

    def threshold(self, step: Tensor) -> Tensor:
        return self.low + (self.high - self.low) * (-self.rate * step.double() / self.steps).exp()


def mean_over(value: Tensor, where: Tensor) -> Tensor:
    """[B] float64 means of [B, L] over the positions `where` [B, L]."""
    return (value.double() * where).sum(1) / where.sum(1).clamp(min=1)
