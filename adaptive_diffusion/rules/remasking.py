"""Which committed tokens were a mistake?"""

from dataclasses import dataclass

import torch
from torch import Tensor

from adaptive_diffusion.core.logit_statistics import CurrentTokenProbability
from adaptive_diffusion.core.prediction import LogitStatistic, Prediction
from adaptive_diffusion.core.rule import Remasking, Revision
from adaptive_diffusion.core.state import SamplerState
from adaptive_diffusion.rules.top_k import best


@dataclass(frozen=True)
class NoRemasking(Remasking):
    """A committed token stays."""

    revises = False

    def __call__(self, state: SamplerState, prediction: Prediction, next_level: Tensor) -> Revision:
        return Revision.none(state)


@dataclass(frozen=True)
class LowQuality(Remasking):
    """Re-open every committed token whose quality, P(token right given the rest), is below the threshold.

    The quality comes from a head on the denoiser (Kim et al. 2025b, PRISM, arXiv 2510.01384).
    """

    threshold: float = 0.5
    reads_committed = True

    def __call__(self, state: SamplerState, prediction: Prediction, next_level: Tensor) -> Revision:
        return _reopen(state, state.revisable & (prediction["quality"] < self.threshold))


@dataclass(frozen=True)
class LowProbability(Remasking):
    """Re-open every committed token whose probability under the present prediction is below the threshold.

    A judge only for a denoiser trained on all editable positions, so that it has learnt to doubt what it sees.
    """

    threshold: float = 0.3
    reads_committed = True

    def logit_statistics(self) -> tuple[LogitStatistic, ...]:
        return (CurrentTokenProbability(),)

    def __call__(self, state: SamplerState, prediction: Prediction, next_level: Tensor) -> Revision:
        return _reopen(state, state.revisable & (prediction["current_token_probability"] < self.threshold))


@dataclass(frozen=True)
class RandomLowProbability(Remasking):
    """`LowProbability` with a threshold of each row's own, uniform between the bounds: the remasking of on-policy
    training."""

    low: float = 0.1
    high: float = 0.6
    reads_committed = True

    def logit_statistics(self) -> tuple[LogitStatistic, ...]:
        return (CurrentTokenProbability(),)

    def __call__(self, state: SamplerState, prediction: Prediction, next_level: Tensor) -> Revision:
        threshold = self.low + (self.high - self.low) * state.noise.once_a_query("remasking")
        return _reopen(state, state.revisable & (prediction["current_token_probability"] < threshold[:, None]))


@dataclass(frozen=True)
class LowestQuality(Remasking):
    """Re-open the `count` committed tokens of lowest quality; with the pace `FixedSteps`, which then commits as many
    more, the number of clean tokens stays on schedule (Kim et al. 2025b, PRISM, arXiv 2510.01384; 4 on Sudoku).

    The last step of a clock re-opens nothing, since no forward is left to fill it.
    """

    count: int = 4
    reads_committed = True

    def __post_init__(self) -> None:
        if self.count < 0:
            raise ValueError(f"count={self.count} must not be negative")

    def number(self, state: SamplerState) -> Tensor:
        """[B] int64, how many to re-open."""
        return torch.full_like(state.step, self.count)

    def __call__(self, state: SamplerState, prediction: Prediction, next_level: Tensor) -> Revision:
        number = self.number(state).where(next_level > 0, 0)
        return _reopen(state, best(-prediction["quality"], state.revisable, number))


@dataclass(frozen=True)
class BinomialQuality(LowestQuality):
    """`LowestQuality` with a binomial number: each committed token counts with probability `count` ÷ eligible
    positions (the second form of PRISM)."""

    def number(self, state: SamplerState) -> Tensor:
        uniform = state.noise.everywhere("remasking", state.tokens.shape[1])
        share = self.count / state.eligible.sum(1).clamp(min=1)
        return (state.revisable & (uniform < share[:, None])).sum(1)


def _reopen(state: SamplerState, remask: Tensor) -> Revision:
    return Revision(remask, Revision.none(state).remask_probability)
