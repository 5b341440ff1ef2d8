"""Which committed tokens were a mistake?"""

from dataclasses import dataclass

from torch import Tensor

from adaptive_diffusion.core.part import Remasking, Revision
from adaptive_diffusion.core.prediction import Prediction, Reading
from adaptive_diffusion.core.readings import Standing
from adaptive_diffusion.core.state import SamplerState


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

    def reads(self) -> tuple[Reading, ...]:
        return (Standing(),)

    def __call__(self, state: SamplerState, prediction: Prediction, next_level: Tensor) -> Revision:
        return _reopen(state, state.revisable & (prediction["standing_probability"] < self.threshold))


@dataclass(frozen=True)
class RandomLowProbability(Remasking):
    """`LowProbability` with a threshold of each row's own, uniform between the bounds: the remasking of on-policy
    training."""

    low: float = 0.1
    high: float = 0.6
    reads_committed = True

    def reads(self) -> tuple[Reading, ...]:
        return (Standing(),)

    def __call__(self, state: SamplerState, prediction: Prediction, next_level: Tensor) -> Revision:
        threshold = self.low + (self.high - self.low) * state.noise.once_a_query("remasking")
        return _reopen(state, state.revisable & (prediction["standing_probability"] < threshold[:, None]))


def _reopen(state: SamplerState, reopen: Tensor) -> Revision:
    return Revision(reopen, Revision.none(state).leaving)
