"""Which token would stand here?"""

from dataclasses import dataclass

import torch
from torch import Tensor

from adaptive_diffusion.core.part import Proposal
from adaptive_diffusion.core.prediction import Logits, Prediction, Reading
from adaptive_diffusion.core.readings import Top
from adaptive_diffusion.core.state import Candidate, SamplerState


@dataclass(frozen=True)
class Argmax(Proposal):
    """The most probable token, with its probability."""

    def reads(self) -> tuple[Reading, ...]:
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

    def __post_init__(self) -> None:
        if not self.temperature > 0:
            raise ValueError(
                f"temperature {self.temperature} is not positive; use the Argmax proposal for temperature 0"
            )

    def reads(self) -> tuple[Reading, ...]:
        return (DrawReading(self.temperature),)

    def __call__(self, state: SamplerState, prediction: Prediction) -> Candidate:
        return Candidate(prediction["drawn"], prediction["drawn_probability"])


@dataclass(frozen=True)
class DrawReading(Reading):
    """A token `name` and its `name_probability`, drawn while the logits are at hand."""

    temperature: float
    name: str = "drawn"

    def __call__(self, logits: Logits) -> dict[str, Tensor]:
        tempered = logits.values if self.temperature == 1 else logits.values / self.temperature
        token = inverse_cdf(tempered.double().softmax(-1), logits.uniforms(self.name))
        probability = logits.log_probability.gather(-1, token[:, None])[:, 0].exp()
        return {self.name: token, f"{self.name}_probability": probability}


def inverse_cdf(probability: Tensor, uniform: Tensor) -> Tensor:
    """[P] tokens from float64 masses [P, K] (any positive scale) and uniforms [P]; never a token of mass zero."""
    cumulative = probability.cumsum(-1)
    target = uniform[:, None] * cumulative[:, -1:]
    last = cumulative.argmax(-1)  # the first place that reaches the total: rounding may not step past it
    return torch.searchsorted(cumulative, target, right=True)[:, 0].minimum(last)
