"""The default plan: an order, a pace and a remasking rule."""

from dataclasses import dataclass

import torch
from torch import Tensor

from adaptive_diffusion.core.part import Plan, Remasking, UnmaskingOrder, UnmaskingPace
from adaptive_diffusion.core.prediction import Prediction, Reading
from adaptive_diffusion.core.state import Candidate, Decision, SamplerState
from adaptive_diffusion.rules.choice import best


@dataclass(frozen=True)
class Composed(Plan):
    """Remasking first, since its probabilities enter the pace; then the pace counts and the order chooses."""

    order: UnmaskingOrder
    pace: UnmaskingPace
    remasking: Remasking

    @property
    def parts(self) -> tuple[UnmaskingOrder, UnmaskingPace, Remasking]:
        """The three rules."""
        return self.order, self.pace, self.remasking

    @property
    def revises(self) -> bool:  # type: ignore[override]
        """Whether the remasking rule does."""
        return self.remasking.revises

    @property
    def bounded(self) -> bool:  # type: ignore[override]
        """Whether the pace keeps a clock."""
        return self.pace.clocked

    @property
    def corruptions(self) -> frozenset[str]:  # type: ignore[override]
        """The corruption kinds all three serve."""
        return self.order.corruptions & self.pace.corruptions & self.remasking.corruptions

    @property
    def reads_committed(self) -> bool:  # type: ignore[override]
        """Whether any of the three looks at committed positions."""
        return any(part.reads_committed for part in self.parts)

    def reads(self) -> tuple[Reading, ...]:
        return sum((part.reads() for part in self.parts), ())

    def start(self, state: SamplerState, vocabulary: int) -> dict[str, Tensor]:
        return {name: value for part in self.parts for name, value in part.start(state, vocabulary).items()}

    def remember(self, state: SamplerState, prediction: Prediction, decision: Decision) -> dict[str, Tensor]:
        return {
            name: value for part in self.parts for name, value in part.remember(state, prediction, decision).items()
        }

    def first_level(self, state: SamplerState) -> Tensor:
        return self.pace.first_level(state)

    def horizon(self, length: int) -> int:
        return self.pace.horizon(length)

    def __call__(self, state: SamplerState, prediction: Prediction, candidate: Candidate) -> Decision:
        next_level = self.pace.next_level(state)
        revision = self.remasking(state, prediction, next_level)
        score = self.order(state, prediction, candidate)
        count = self.pace(state, prediction, score, revision, next_level)
        write = best(score, state.open, count)
        full = ~((state.open & ~write) | revision.reopen).any(1)
        if not self.remasking.revises:
            settled = full
        elif self.pace.clocked:
            settled = full & (next_level <= 0)
        else:
            settled = full & ~write.any(1)
        nothing = torch.zeros_like(write)
        return Decision(write, candidate.token, candidate.probability, revision.reopen, nothing, next_level, settled)
