"""The roles of a sampler's rules. Rules are pure: they change nothing, look at one row at a time, and draw from the
row's own noise."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Self, cast

import torch
from torch import Tensor

from adaptive_diffusion.core.parameters import Parameters
from adaptive_diffusion.core.prediction import LogitStatistic, Prediction
from adaptive_diffusion.core.state import Candidate, Decision, Finish, HaltDecision, SamplerState

ABSORBING = frozenset({"absorbing"})
UNIFORM = frozenset({"uniform"})
BOTH = ABSORBING | UNIFORM


class Rule(Parameters, ABC):
    """What every rule has in common. Settings that are NaN are refused.

    Attributes:
        corruptions: the kinds of noise the rule serves; a sampler refuses a wrong pair.
        reads_committed: whether it needs statistics at committed positions too.
        reads_all_blocks: whether it needs statistics in all blocks of the answer, not in the present one alone.
        needs_head: the name of the head it predicts with, which a sampler takes from its model and puts into the
            rule's field `head`; None for a rule that predicts with none.
        reads_summaries: names of trained summaries that it reads in a prediction, such as those of a `QualityHead`.
        draws: whether it draws from the row's noise, so that variations of an answer may differ.
    """

    corruptions: frozenset[str] = BOTH
    reads_committed: bool = False
    reads_all_blocks: bool = False
    needs_head: ClassVar[str | None] = None
    reads_summaries: ClassVar[tuple[str, ...]] = ()
    draws: bool = False
    head: Any = None

    def bind(self, heads: Mapping[str, Any]) -> Self:
        """The rule with its head, if it needs one and has none yet.

        Raises:
            ValueError: no head of that name.
        """
        for name in self.missing_heads():
            if name not in heads:
                there = ", ".join(sorted(heads)) or "none"
                raise ValueError(
                    f"{type(self).__name__} needs the head {name!r}, but the model's heads are: {there}; train it "
                    "first, or choose another rule"
                )
            return replace(cast(Any, self), head=heads[name])
        return self

    def head_names(self) -> tuple[str, ...]:
        """The names of the heads and trained summaries it decides by; empty for a rule without learning."""
        return self._own_head() + self.reads_summaries

    def missing_heads(self) -> tuple[str, ...]:
        """The names of heads it needs and has not been given."""
        return self._own_head() if self.head is None else ()

    def _own_head(self) -> tuple[str, ...]:
        return () if self.needs_head is None else (self.needs_head,)

    def logit_statistics(self) -> tuple[LogitStatistic, ...]:
        """The statistics it needs from the prediction."""
        return ()

    def init_carry(self, state: SamplerState, vocabulary: int) -> dict[str, Tensor]:
        """Its first carry, [B, …] each, under names that begin with the rule's own; `vocabulary` is K."""
        return {}

    def update_carry(self, state: SamplerState, prediction: Prediction, decision: Decision) -> dict[str, Tensor]:
        """Its carry for the next step."""
        return {}


class Memory(Rule):
    """What a denoiser carries from one step to the next, such as its last prediction or a cache."""

    def in_training(self, state: SamplerState) -> dict[str, Tensor]:
        """What a training state carries to its evaluation: by default all that `init_carry` begins. A denoiser whose
        memory is a cache of what it has computed evaluates training states without one."""
        return {name: state.carry[name] for name in self.init_carry(state, 0)}


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
    """Which committed tokens were a mistake? Only positions with `state.revisable` can be remasked.

    Attributes:
        revises: whether it ever takes a token back.
        draws: whether it draws in every step, so that a later one may take back what this one left: a clocked sampler
            then goes on to the end of its clock. Otherwise a full sequence in which nothing was revised is finished.
    """

    revises: bool = True

    @abstractmethod
    def __call__(self, state: SamplerState, prediction: Prediction, next_level: Tensor) -> Revision:
        """What to take back on the way from `state.noise_level` to `next_level` [B]."""


def open_share(state: SamplerState, count: Tensor) -> Tensor:
    """[B] float64 t with 1 − α(t) = count ÷ eligible positions: the clock of paces that follow the sequence itself."""
    share = count.clamp(min=0).double() / state.eligible.sum(1).clamp(min=1)
    return state.corruption.schedule.inverse(1 - share)


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

    def next_level(self, state: SamplerState) -> Tensor:
        """[B] float64 noise level after this step as far as it is known before it: that of the share of positions that
        are open now, unless the pace keeps a clock of its own."""
        return open_share(state, state.open.sum(1))

    def level_after(self, state: SamplerState, left: Tensor, next_level: Tensor) -> Tensor:
        """[B] float64 noise level once the step is decided and leaves `left` [B] positions open: that of the clock, or
        without one that of the share of open positions."""
        return next_level if self.clocked else open_share(state, left)

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
        commits_noise: whether tokens that count as committed may be noise until the row halts, so that an end token
            among them means nothing before.
    """

    revises: bool = True
    bounded: bool = False
    commits_noise: bool = False

    def first_level(self, state: SamplerState) -> Tensor:
        """[B] float64 noise level before the first forward."""
        return torch.ones_like(state.noise_level)

    def horizon(self, length: int) -> int:
        """A step limit that a sequence of this length does not reach unless it loops."""
        return 2 * length + 32

    @abstractmethod
    def __call__(self, state: SamplerState, prediction: Prediction, candidate: Candidate) -> Decision: ...


class Halting(Rule):
    """Is this query finished, and how is its answer read off?

    Attributes:
        reason: the name of the rule's stop in results and traces.
        sentence: the same in words for people.
        explanation: a format template over the names in `HaltDecision.seen` and `probability`, such as
            "P(right) is {probability:.3f}; it stops at {threshold:.3f}"; empty where the numbers need no words.
        finish: how the answer is read off the last prediction.
        ends_answer: whether a stop ends the complete answer, all of whose blocks are read then; otherwise it ends the
            present block.
    """

    reason: ClassVar[str] = "rule"
    sentence: ClassVar[str] = "the halting rule stopped it"
    explanation: ClassVar[str] = ""
    finish: ClassVar[Finish] = Finish.FILL
    ends_answer: ClassVar[bool] = False

    @abstractmethod
    def __call__(self, state: SamplerState, prediction: Prediction, decision: Decision) -> HaltDecision: ...
