"""The prediction of one step: the statistics per position that the rules ask for."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

from torch import Tensor

from adaptive_diffusion.core.denoiser import Evaluation
from adaptive_diffusion.core.parameters import Parameters
from adaptive_diffusion.core.rows import Rows
from adaptive_diffusion.core.state import SamplerState


class Logits:
    """Processed logits at P packed positions, with what is needed to read them; shared work is done once.

    `values` [P, K] float; `raw` [P, K] are those before any processor, by default the same; `rows` and `positions` [P]
    are their places in the [B, L] sequences.
    """

    def __init__(self, values: Tensor, state: SamplerState, rows: Tensor, positions: Tensor, raw: Tensor | None = None):
        self.values, self.state, self.rows, self.positions = values, state, rows, positions
        self.raw = values if raw is None else raw

    @cached_property
    def probability(self) -> Tensor:
        """[P, K] p."""
        return self.values.softmax(-1)

    @cached_property
    def log_probability(self) -> Tensor:
        """[P, K] log p."""
        return self.values.log_softmax(-1)

    @cached_property
    def top(self) -> tuple[Tensor, Tensor]:
        """The two largest logits [P, 2] and their tokens [P, 2]."""
        return self.values.topk(min(2, self.values.shape[-1]), dim=-1)

    def probability_of(self, token: Tensor) -> Tensor:
        """[P] p of a token [P] each."""
        return self.probability.gather(-1, token[:, None])[:, 0]

    @property
    def standing(self) -> Tensor:
        """[P] int64, the token that stands at each position now."""
        return self.state.tokens[self.rows, self.positions]

    def uniforms(self, purpose: str) -> Tensor:
        """[P] float64 uniforms of the rows these positions belong to."""
        return self.state.noise.at(purpose, self.rows, self.positions)


class LogitStatistic(ABC):
    """One reduction of logits to a value per position.

    Statistics are immutable values; equal ones are computed once per step.
    """

    @abstractmethod
    def __call__(self, logits: Logits) -> dict[str, Tensor]:
        """Named values [P, …]."""


@dataclass(frozen=True)
class Prediction(Rows):
    """The named summaries [B, L, …] of one evaluation; zero where no rule needs them.

    `read` [B, L] bool is true where logits were formed, `faulty` [B] bool (None: no row) in which rows a value
    is not a number.
    """

    evaluation: Evaluation
    summaries: Mapping[str, Tensor]
    read: Tensor
    faulty: Tensor | None = None

    def __getitem__(self, name: str) -> Tensor:
        if name not in self.summaries:
            known = ", ".join(sorted(self.summaries))
            raise ValueError(
                f"the prediction holds no summary {name!r}, only {known}; declare its statistic in the rule's "
                "`logit_statistics`, or wrap the denoiser with the head that provides it"
            )
        return self.summaries[name]


class LogitProcessor(Parameters, ABC):
    """A change of the logits before anything is read or drawn from them (temperature, top-p, suppressed tokens).

    Attributes:
        corruptions: the corruption kinds it serves; a sampler refuses a wrong pair.
    """

    corruptions: ClassVar[frozenset[str]] = frozenset({"absorbing", "uniform"})

    @abstractmethod
    def __call__(self, logits: Tensor, state: SamplerState, rows: Tensor, positions: Tensor) -> Tensor:
        """New logits [P, K]; the input stays as it is. `rows` and `positions` [P] are their places."""
