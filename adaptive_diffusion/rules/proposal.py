"""Which token would stand here?"""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from adaptive_diffusion.core.logit_statistics import Top
from adaptive_diffusion.core.prediction import Logits, LogitStatistic, Prediction
from adaptive_diffusion.core.rule import Proposal
from adaptive_diffusion.core.state import Candidate, SamplerState

BLOCK = 256
"""Tokens a block of `inverse_cdf`: about the square root of a large vocabulary."""


@dataclass(frozen=True)
class Argmax(Proposal):
    """The most probable token, with its probability."""

    def logit_statistics(self) -> tuple[LogitStatistic, ...]:
        return (Top(),)

    def __call__(self, state: SamplerState, prediction: Prediction) -> Candidate:
        return Candidate(prediction["argmax"], prediction["confidence"])


@dataclass(frozen=True)
class Draw(Proposal):
    """A token drawn from the prediction, p^(1/temperature) normalised; its probability is the untempered one.

    One float64 uniform u a position through the inverse distribution function: the first token whose cumulative mass
    exceeds u. Gumbel noise in float32 truncates tails and silently lowers the temperature (Zheng et al. 2024, arXiv
    2409.02908).

    Raises:
        ValueError: a temperature that is not positive; use `Argmax` for the limit 0.
    """

    temperature: float = 1.0
    draws = True

    def __post_init__(self) -> None:
        if not self.temperature > 0:
            raise ValueError(
                f"temperature {self.temperature} is not positive; use the Argmax proposal for temperature 0"
            )

    def logit_statistics(self) -> tuple[LogitStatistic, ...]:
        return (DrawStatistic(self.temperature),)

    def __call__(self, state: SamplerState, prediction: Prediction) -> Candidate:
        return Candidate(prediction["drawn"], prediction["drawn_probability"])


@dataclass(frozen=True)
class DrawAgain(Proposal):
    """The most probable token where a position was never revised, a drawn one where it was: the first answer of a
    search is greedy, the later ones differ from it. Draws as `Draw`.

    Raises:
        ValueError: a temperature that is not positive.
    """

    temperature: float = 1.0
    draws = True

    def __post_init__(self) -> None:
        Draw(self.temperature)

    def logit_statistics(self) -> tuple[LogitStatistic, ...]:
        return (*Argmax().logit_statistics(), *Draw(self.temperature).logit_statistics())

    def __call__(self, state: SamplerState, prediction: Prediction) -> Candidate:
        first, again = Argmax()(state, prediction), Draw(self.temperature)(state, prediction)
        revised = state.revisions > 0
        return Candidate(
            torch.where(revised, again.token, first.token),
            torch.where(revised, again.probability, first.probability),
        )


@dataclass(frozen=True)
class DrawStatistic(LogitStatistic):
    """A token `name` and its `name_probability`, drawn while the logits are at hand."""

    temperature: float
    name: str = "drawn"

    def __call__(self, logits: Logits) -> dict[str, Tensor]:
        mass = logits.probability if self.temperature == 1 else (logits.values / self.temperature).softmax(-1)
        token = inverse_cdf(mass, logits.uniforms(self.name))
        return {self.name: token, f"{self.name}_probability": logits.probability_of(token)}


def inverse_cdf(mass: Tensor, uniform: Tensor) -> Tensor:
    """[P] tokens from masses [P, K] (any positive scale) and float64 uniforms [P]; never a token of mass zero.

    Cumulative sums are float64. Beyond `BLOCK` tokens there are two stages, first the block by the sums of blocks, then
    the token in it, so that a large vocabulary is read once and no cumulative sum of it is written.
    """
    vocabulary = mass.shape[-1]
    if vocabulary <= BLOCK:
        reached = mass.double().cumsum(-1)
        return _first_above(reached, uniform * reached[:, -1])
    even = vocabulary // BLOCK * BLOCK
    blocks = mass[:, :even].unflatten(-1, (-1, BLOCK)).sum(-1), mass[:, even:].sum(-1, keepdim=True)
    reached = torch.cat(blocks, -1).double().cumsum(-1)
    target = uniform * reached[:, -1]
    block = _first_above(reached, target)
    before = F.pad(reached, (1, 0)).gather(-1, block[:, None])[:, 0]
    tokens = block[:, None] * BLOCK + torch.arange(BLOCK, device=mass.device)
    inside = mass.gather(-1, tokens.clamp(max=vocabulary - 1)).double().masked_fill(tokens >= vocabulary, 0.0)
    return block * BLOCK + _first_above(inside.cumsum(-1), target - before)


def _first_above(reached: Tensor, target: Tensor) -> Tensor:
    """[P], the first place at which cumulative masses [P, N] exceed a target [P], and at which something is added."""
    last = reached.argmax(-1)  # the first place that reaches the total: rounding may not step past it
    return torch.searchsorted(reached, target[:, None], right=True)[:, 0].minimum(last)
