"""What keeps a remasking rule within bounds: wrappers around any of them."""

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from adaptive_diffusion.core.part import Remasking, Revision
from adaptive_diffusion.core.prediction import Prediction, Reading
from adaptive_diffusion.core.row_noise import absorb
from adaptive_diffusion.core.state import Decision, SamplerState


@dataclass(frozen=True)
class Guard(Remasking):
    """A remasking rule with a condition of its own; everything else is the inner rule's."""

    inner: Remasking

    @property
    def revises(self) -> bool:  # type: ignore[override]
        """Whether the inner rule does."""
        return self.inner.revises

    @property
    def corruptions(self) -> frozenset[str]:  # type: ignore[override]
        """Those of the inner rule."""
        return self.inner.corruptions

    @property
    def reads_committed(self) -> bool:  # type: ignore[override]
        """Whether the inner rule does."""
        return self.inner.reads_committed

    def reads(self) -> tuple[Reading, ...]:
        return self.inner.reads()

    def start(self, state: SamplerState, vocabulary: int) -> dict[str, Tensor]:
        return self.inner.start(state, vocabulary)

    def remember(self, state: SamplerState, prediction: Prediction, decision: Decision) -> dict[str, Tensor]:
        return self.inner.remember(state, prediction, decision)


@dataclass(frozen=True)
class RevisionBudget(Guard):
    """At most `each` revisions of one position and `total` of one answer; the least probable commits go first where
    the budget does not last for all that the inner rule would take back.

    Raises:
        ValueError: a budget below 0.
    """

    each: int = 4
    total: int = 256

    def __post_init__(self) -> None:
        if min(self.each, self.total) < 0:
            raise ValueError(f"budgets each={self.each} and total={self.total} must not be negative")

    def __call__(self, state: SamplerState, prediction: Prediction, next_level: Tensor) -> Revision:
        revision = self.inner(state, prediction, next_level)
        wanted = revision.reopen & state.revisable & (state.revisions < self.each)
        left = (self.total - state.revisions.sum(1)).clamp(min=0)
        rank = state.commit_probability.masked_fill(~wanted, torch.inf).argsort(dim=1, stable=True).argsort(dim=1)
        return replace(revision, reopen=wanted & (rank < left[:, None]))


@dataclass(frozen=True)
class CycleDetection(Guard):
    """No further revision once a canvas comes back that was among the last `memory` ones: a denoiser that is asked the
    same question again gives the same answer.

    It carries a 64-bit hash of each canvas, [B, memory], and whether a cycle was found.
    """

    memory: int = 16

    def __post_init__(self) -> None:
        if self.memory < 1:
            raise ValueError(f"memory={self.memory} remembers no canvas; use at least 1")

    def start(self, state: SamplerState, vocabulary: int) -> dict[str, Tensor]:
        nothing = state.key.new_zeros(len(state.key), self.memory)
        return {
            **self.inner.start(state, vocabulary),
            "cycle.seen": nothing,
            "cycle.found": torch.zeros_like(state.running),
        }

    def found(self, state: SamplerState) -> Tensor:
        """[B] bool, whether this canvas or an earlier one had been there before."""
        return state.carry["cycle.found"] | (state.carry["cycle.seen"] == canvas_hash(state)[:, None]).any(1)

    def remember(self, state: SamplerState, prediction: Prediction, decision: Decision) -> dict[str, Tensor]:
        seen = torch.cat([state.carry["cycle.seen"][:, 1:], canvas_hash(state)[:, None]], dim=1)
        return {
            **self.inner.remember(state, prediction, decision),
            "cycle.seen": seen,
            "cycle.found": self.found(state),
        }

    def __call__(self, state: SamplerState, prediction: Prediction, next_level: Tensor) -> Revision:
        revision = self.inner(state, prediction, next_level)
        free = ~self.found(state)
        return Revision(revision.reopen & free[:, None], revision.leaving.where(free, 0.0))


def canvas_hash(state: SamplerState) -> Tensor:
    """[B] int64, a hash of the tokens and of which are committed, never 0."""
    standing = 2 * state.tokens + state.committed
    positions = torch.arange(standing.shape[1], device=standing.device).expand_as(standing)
    together = absorb(absorb(torch.zeros_like(standing), positions), standing).sum(1)
    return together.where(together != 0, 1)
