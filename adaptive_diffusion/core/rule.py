"""The parts a sampler is made of. All are pure: no mutation, no look at other rows, no generator of their own."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from adaptive_diffusion.core.prediction import LogitStatistic, Prediction
from adaptive_diffusion.core.state import Candidate, Decision, Finish, HaltDecision, HaltReason, SamplerState

ABSORBING = frozenset({"absorbing"})
UNIFORM = frozenset({"uniform"})
BOTH = ABSORBING | UNIFORM


class Rule(ABC):  # noqa: B024 (what cannot be made without its methods are its roles below)
    """What every rule has in common.

    Attributes:
        corruptions: the corruption kinds the rule serves; a sampler refuses a wrong pair.
        reads_committed: whether it needs summaries at committed positions too.
    """

    corruptions: ClassVar[frozenset[str]] = BOTH
    reads_committed: ClassVar[bool] = False

    def logit_statistics(self) -> tuple[LogitStatistic, ...]:
        """The readings it needs from the prediction."""
        return ()

    def init_carry(self, state: SamplerState, vocabulary: int) -> dict[str, Tensor]:
        """Its first carry, [B, …] each, under names that begin with the part's own; `vocabulary` is K."""
        return {}

    def update_carry(self, state: SamplerState, prediction: Prediction, decision: Decision) -> dict[str, Tensor]:
        """Its carry for the next step."""
        return {}


class Proposal(Rule):
    """Which token would stand here?"""

    @abstractmethod
    def __call__(self, state: SamplerState, prediction: Prediction) -> Candidate: ...


class UnmaskingOrder(Rule):
    """Which open positions first?"""

    @abstractmethod
    def __call__(self, state: SamplerState, prediction: Prediction, candidate: Candidate) -> Tensor:
        """[B, L] scores, higher first; looked at where positions are open."""


@dataclass(frozen=True)
class Revision:
    """What remasking takes back: `remask` [B, L] bool, and `remask_probability` [B] float64, the probability σ with
    which a token leaves, which ancestral paces put back as extra commits (0 for rules that keep no marginals)."""

    remask: Tensor
    remask_probability: Tensor

    @staticmethod
    def none(state: SamplerState) -> "Revision":
        """Nothing is taken back."""
        return Revision(torch.zeros_like(state.committed), torch.zeros_like(state.noise_level))


class Remasking(Rule):
    """Which committed tokens were a mistake? Only positions with `state.revisable` can be re-opened."""

    revises: ClassVar[bool] = True

    @abstractmethod
    def __call__(self, state: SamplerState, prediction: Prediction, next_level: Tensor) -> Revision:
        """What to take back on the way from `state.noise_level` to `next_level` [B]."""


class UnmaskingPace(Rule):
    """How many of them now?

    Attributes:
        clocked: whether it follows a clock that ends at noise level 0, and so leaves a full sequence only then.
    """

    clocked: ClassVar[bool] = False

    def first_level(self, state: SamplerState) -> Tensor:
        """[B] float64 noise level before the first forward."""
        return torch.ones_like(state.noise_level)

    def horizon(self, length: int) -> int:
        """A step limit that a sequence of this length does not reach unless it loops."""
        return 2 * length + 32

    @abstractmethod
    def next_level(self, state: SamplerState) -> Tensor:
        """[B] float64 noise level after this step, where the pace keeps a clock of its own."""

    @abstractmethod
    def __call__(
        self, state: SamplerState, prediction: Prediction, score: Tensor, revision: Revision, next_level: Tensor
    ) -> Tensor:
        """[B] int64, how many open positions to commit, best score first."""


class Plan(Rule):
    """A rule that decides over all positions at once: what is written, what is taken back, and where the clock goes.

    Attributes:
        revises: whether it may take back or replace what is committed.
        bounded: whether a clock or a count of its own ends its revising; a sampler limits the others.
    """

    revises: ClassVar[bool] = True
    bounded: ClassVar[bool] = False

    def first_level(self, state: SamplerState) -> Tensor:
        """[B] float64 noise level before the first forward."""
        return torch.ones_like(state.noise_level)

    def horizon(self, length: int) -> int:
        """A step limit that a sequence of this length does not reach unless it loops."""
        return 2 * length + 32

    @abstractmethod
    def __call__(self, state: SamplerState, prediction: Prediction, candidate: Candidate) -> Decision: ...


class Halting(Rule):
    """Is this query finished, and what does it answer?

    Attributes:
        reason: what is recorded when it says stop.
        finish: how the answer is read off the last prediction.
    """

    reason: ClassVar[HaltReason] = HaltReason.RULE
    finish: ClassVar[Finish] = Finish.FILL

    @abstractmethod
    def __call__(self, state: SamplerState, prediction: Prediction, decision: Decision) -> HaltDecision: ...
