"""A plan around a plan."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Self

from torch import Tensor

from adaptive_diffusion.core.prediction import LogitStatistic, Prediction
from adaptive_diffusion.core.rule import Plan
from adaptive_diffusion.core.state import Decision, SamplerState


@dataclass(frozen=True)
class PlanWrapper(Plan):
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

    def bind(self, heads: Mapping[str, Any]) -> Self:
        return replace(self, inner=self.inner.bind(heads))

    def missing_heads(self) -> tuple[str, ...]:
        return self.inner.missing_heads()

    def logit_statistics(self) -> tuple[LogitStatistic, ...]:
        return self.inner.logit_statistics()

    def init_carry(self, state: SamplerState, vocabulary: int) -> dict[str, Tensor]:
        return self.inner.init_carry(state, vocabulary)

    def update_carry(self, state: SamplerState, prediction: Prediction, decision: Decision) -> dict[str, Tensor]:
        return self.inner.update_carry(state, prediction, decision)

    def first_level(self, state: SamplerState) -> Tensor:
        return self.inner.first_level(state)

    def horizon(self, length: int) -> int:
        return self.inner.horizon(length)
