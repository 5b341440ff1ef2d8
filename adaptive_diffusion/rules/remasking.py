"""Which committed tokens were a mistake?"""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import max_pool1d

from adaptive_diffusion.core.logit_statistics import CurrentTokenProbability
from adaptive_diffusion.core.parameters import check_probability
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
    """Remask every committed token whose quality, P(token right given the rest), is below the threshold.

    The quality comes from a head on the denoiser (Kim et al. 2025b, PRISM, arXiv 2510.01384).

    Raises:
        ValueError: a threshold that is no probability.
    """

    threshold: float = 0.5
    reads_committed = True
    reads_summaries = ("quality",)

    def __post_init__(self) -> None:
        check_probability(self.threshold)

    def __call__(self, state: SamplerState, prediction: Prediction, next_level: Tensor) -> Revision:
        return _remask(state, state.revisable & (prediction["quality"] < self.threshold))


@dataclass(frozen=True)
class LowProbability(Remasking):
    """Remask every committed token whose probability under the present prediction is below the threshold.

    For denoisers trained on all editable positions, which have learnt how probable a token is that they see.

    Raises:
        ValueError: a threshold that is no probability.
    """

    threshold: float = 0.3
    reads_committed = True

    def __post_init__(self) -> None:
        check_probability(self.threshold)

    def logit_statistics(self) -> tuple[LogitStatistic, ...]:
        return (CurrentTokenProbability(),)

    def __call__(self, state: SamplerState, prediction: Prediction, next_level: Tensor) -> Revision:
        return _remask(state, state.revisable & (prediction["current_token_probability"] < self.threshold))


@dataclass(frozen=True)
class RandomLowProbability(Remasking):
    """`LowProbability` with a threshold of each row's own, uniform between the bounds: the remasking of on-policy
    training.

    Raises:
        ValueError: bounds that are no probability.
    """

    low: float = 0.1
    high: float = 0.6
    reads_committed = True

    def __post_init__(self) -> None:
        check_probability(self.low, "low")
        check_probability(self.high, "high")

    def logit_statistics(self) -> tuple[LogitStatistic, ...]:
        return (CurrentTokenProbability(),)

    def __call__(self, state: SamplerState, prediction: Prediction, next_level: Tensor) -> Revision:
        threshold = self.low + (self.high - self.low) * state.noise.once_a_query("remasking")
        return _remask(state, state.revisable & (prediction["current_token_probability"] < threshold[:, None]))


@dataclass(frozen=True)
class LeastConfidentSpan(Remasking):
    """In a full sequence: remask the committed token that was least probable when it was committed, if it was below the
    threshold, and its neighbours up to `radius` positions away.

    Errors that agree with one another look right to a rule that judges one token at a time beside all others; opened
    together they are predicted anew (ours). Revision limits end it: a span that is filled as before is not opened
    again.

    Raises:
        ValueError: a negative radius, or a threshold that is no probability.
    """

    threshold: float = 0.9
    radius: int = 1

    def __post_init__(self) -> None:
        check_probability(self.threshold)
        if self.radius < 0:
            raise ValueError(f"radius={self.radius} must not be negative; 0 remasks the position alone")

    def __call__(self, state: SamplerState, prediction: Prediction, next_level: Tensor) -> Revision:
        suspect = _doubtful_when_full(state, self.threshold)
        least = best(-state.commit_probability, suspect, torch.ones_like(state.step)).float()
        span = max_pool1d(least[:, None], 2 * self.radius + 1, stride=1, padding=self.radius)[:, 0] > 0
        return _remask(state, state.revisable & span)


@dataclass(frozen=True)
class BeginAnew(Remasking):
    """In a full sequence of which a token was committed with a probability below the threshold: remask all that may be
    revised, so that another answer is drawn (ours).

    Where errors agree with one another, an answer that is begun anew finds more than one of which a part is opened. It
    needs a rule that stops it, and a proposal that draws, such as `DrawAgain`. A probability is at most 1, so the
    threshold 1 begins anew unless every token was certain.

    Raises:
        ValueError: a threshold that is no probability.
    """

    threshold: float = 1.0

    def __post_init__(self) -> None:
        check_probability(self.threshold)

    def __call__(self, state: SamplerState, prediction: Prediction, next_level: Tensor) -> Revision:
        suspect = _doubtful_when_full(state, self.threshold)
        return _remask(state, state.revisable & suspect.any(1, keepdim=True))


@dataclass(frozen=True)
class BeginAnewIfDoubted(Remasking):
    """In a full sequence that is probably wrong: remask all that may be revised; another answer is drawn (ours).

    P(the answer is right) comes from an `AnswerQualityHead` on the denoiser. An answer costs one more forward, in which
    it is judged, and `limits.each` is how often one is begun anew. It needs a proposal that draws.

    Raises:
        ValueError: a threshold that is no probability.
    """

    threshold: float = 0.5
    reads_summaries = ("answer_quality",)

    def __post_init__(self) -> None:
        check_probability(self.threshold)

    def __call__(self, state: SamplerState, prediction: Prediction, next_level: Tensor) -> Revision:
        doubted = (prediction["answer_quality"] < self.threshold).any(1) & ~state.open.any(1)
        return _remask(state, state.revisable & doubted[:, None])


def _doubtful_when_full(state: SamplerState, threshold: float) -> Tensor:
    """bool [B, L]: in sequences without an open position, what was committed with a probability below the threshold."""
    return state.revisable & (state.commit_probability < threshold) & ~state.open.any(1, keepdim=True)


def _remask(state: SamplerState, remask: Tensor) -> Revision:
    return Revision(remask, Revision.none(state).remask_probability)
