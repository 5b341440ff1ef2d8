"""A plan around a plan."""

from dataclasses import dataclass

from torch import Tensor

from adaptive_diffusion.core.part import Plan
from adaptive_diffusion.core.prediction import Prediction, Reading
from adaptive_diffusion.core.state import Decision, SamplerState


@dataclass(frozen=True)
class Around(Plan):
    """A plan that changes the decisions of an inner one; all it does not say is the inner plan's."""

    inner: Plan

    @property
    def revises(self) -> bool:  # type: ignore[override]
        """Whether the inner plan does."""
        return self.inner.revises

    @property
    def bounded(self) -> bool:  # type: ignore[override]
        """Whether the inner plan ends its revising by itself, having a bound or nothing to revise."""
        return self.inner.bounded or not self.inner.revises

    @property
    def corruptions(self) -> frozenset[str]:  # type: ignore[override]
        """Those of the inner plan."""
        return self.inner.corruptions

    @property
    def reads_committed(self) -> bool:  # type: ignore[override]
        """Whether the inner plan does."""
        return self.inner.reads_committed

    def reads(self) -> tuple[Reading, ...]:
        return self.inner.reads()

    def start(self, state: SamplerState, vocabulary: int) -> dict[str, Tensor]:
        return self.inner.start(state, vocabulary)

    def remember(self, state: SamplerState, prediction: Prediction, decision: Decision) -> dict[str, Tensor]:
        return self.inner.remember(state, prediction, decision)

    def first_level(self, state: SamplerState) -> Tensor:
        return self.inner.first_level(state)

    def horizon(self, length: int) -> int:
        return self.inner.horizon(length)
