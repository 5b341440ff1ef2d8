"""What changes the logits before anything is read or drawn from them."""

from dataclasses import dataclass

import torch
from torch import Tensor

from adaptive_diffusion.core.prediction import LogitProcessor
from adaptive_diffusion.core.rule import UNIFORM
from adaptive_diffusion.core.state import SamplerState


@dataclass(frozen=True)
class Temperature(LogitProcessor):
    """logits / T for every part alike, entropies and confidences included (a `Draw` of temperature T tempers the draw
    alone).

    Raises:
        ValueError: a temperature that is not positive.
    """

    temperature: float

    def __post_init__(self) -> None:
        if not self.temperature > 0:
            raise ValueError(f"temperature {self.temperature} is not positive; for its limit use the Argmax proposal")

    def __call__(self, logits: Tensor, state: SamplerState, rows: Tensor, positions: Tensor) -> Tensor:
        return logits / self.temperature


@dataclass(frozen=True)
class LinearTemperature(LogitProcessor):
    """T falls from `first` in equal steps; after n of N steps T = last + (first − last)·(N − n)/N, so that the last of
    DiffusionGemma's 48 steps (Google 2026) is taken at .408 and `last` is never reached.

    Raises:
        ValueError: temperatures that are not positive, or fewer than one step.
    """

    steps: int = 48
    first: float = 0.8
    last: float = 0.4

    def __post_init__(self) -> None:
        if min(self.first, self.last) <= 0 or self.steps < 1:
            raise ValueError(
                f"temperatures {self.first} and {self.last} must be positive, steps={self.steps} at least 1"
            )

    def __call__(self, logits: Tensor, state: SamplerState, rows: Tensor, positions: Tensor) -> Tensor:
        left = (self.steps - state.step).clamp(min=0).double() / self.steps
        temperature = self.last + (self.first - self.last) * left
        return logits / temperature[rows, None].to(logits.dtype)


@dataclass(frozen=True)
class TopK(LogitProcessor):
    """The k most probable tokens, and those equal to the last of them (Fan et al. 2018, arXiv 1805.04833)."""

    k: int

    def __post_init__(self) -> None:
        if self.k < 1:
            raise ValueError(f"k={self.k} leaves no token; use at least 1")

    def __call__(self, logits: Tensor, state: SamplerState, rows: Tensor, positions: Tensor) -> Tensor:
        least = logits.topk(min(self.k, logits.shape[-1]), dim=-1).values[:, -1:]
        return logits.masked_fill(logits < least, -torch.inf)


@dataclass(frozen=True)
class TopP(LogitProcessor):
    """The fewest tokens whose probabilities reach p, the one that crosses it included (Holtzman et al. 2020, arXiv
    1904.09751).

    Raises:
        ValueError: p outside (0, 1].
    """

    p: float = 0.9

    def __post_init__(self) -> None:
        if not 0 < self.p <= 1:
            raise ValueError(f"p={self.p} is not a share of probability; it must lie in (0, 1]")

    def __call__(self, logits: Tensor, state: SamplerState, rows: Tensor, positions: Tensor) -> Tensor:
        probability, order = logits.double().softmax(-1).sort(dim=-1, descending=True, stable=True)
        before = probability.cumsum(-1) - probability
        outside = torch.zeros_like(before, dtype=torch.bool).scatter(-1, order, before >= self.p)
        return logits.masked_fill(outside, -torch.inf)


@dataclass(frozen=True)
class Suppress(LogitProcessor):
    """Tokens that are never proposed; their mass goes to the others before any draw.

    Raises:
        ValueError: nothing to suppress, or a token outside the vocabulary.
    """

    tokens: tuple[int, ...]

    def __post_init__(self) -> None:
        object.__setattr__(self, "tokens", tuple(self.tokens))
        if not self.tokens:
            raise ValueError("tokens=() suppresses nothing; name a token or leave the processor out")

    def __call__(self, logits: Tensor, state: SamplerState, rows: Tensor, positions: Tensor) -> Tensor:
        if not all(0 <= token < logits.shape[-1] for token in self.tokens):
            raise ValueError(f"tokens {self.tokens} reach outside the vocabulary 0…{logits.shape[-1] - 1}")
        return logits.index_fill(-1, torch.tensor(self.tokens, device=logits.device), -torch.inf)


@dataclass(frozen=True)
class LeaveOneOut(LogitProcessor):
    """From the ordinary posterior under uniform noise to the leave-one-out one: log(1 + K·α/(1 − α)) is subtracted from
    the logit of the token that stands there, whose own evidence would otherwise count twice (Gourevitch et al. 2026,
    arXiv 2605.22765), K the number of tokens that noise is drawn from. Nothing is done at α = 1, where the token is
    certain, nor outside editable positions.

    For denoisers trained by cross-entropy; one trained on the likelihood bound is leave-one-out already.
    """

    corruptions = UNIFORM

    def __call__(self, logits: Tensor, state: SamplerState, rows: Tensor, positions: Tensor) -> Tensor:
        alpha = state.corruption.schedule.alpha(state.noise_level)[rows]
        vouched = torch.log1p(state.corruption.noise_tokens(logits.shape[-1]) * alpha / (1 - alpha))
        vouched = vouched.where(state.editable[rows, positions] & (alpha < 1), 0.0)
        standing = state.tokens[rows, positions]
        return logits.scatter_add(-1, standing[:, None], -vouched[:, None].to(logits.dtype))
