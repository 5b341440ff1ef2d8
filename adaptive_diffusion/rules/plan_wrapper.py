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
    """A plan that changes the decisions of an inner one; what it does not declare itself is the inner plan's."""

    inner: Plan

    def __post_init__(self) -> None:
        inner = self.inner
        declared = {
            "revises": inner.revises,
            "bounded": inner.bounded or not inner.revises,  # a plan that never revises needs no bound
            "commits_noise": inner.commits_noise,
            "corruptions": inner.corruptions,
            "reads_committed": inner.reads_committed,
            "reads_all_blocks": inner.reads_all_blocks,
            "draws": inner.draws,
        }
        above = type(self).__mro__[: type(self).__mro__.index(PlanWrapper)]
        for name, value in declared.items():
            if not any(name in vars(kind) for kind in above):  # what a wrapper declares itself stays
                object.__setattr__(self, name, value)

    def bind(self, heads: Mapping[str, Any]) -> Self:
        return replace(self, inner=self.inner.bind(heads))

    def head_names(self) -> tuple[str, ...]:
        return self.inner.head_names()

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
