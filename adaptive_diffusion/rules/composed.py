"""The default plan: an order, a pace and a remasking rule."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from adaptive_diffusion.core.prediction import LogitStatistic, Prediction
from adaptive_diffusion.core.rule import Plan, Remasking, UnmaskingOrder, UnmaskingPace
from adaptive_diffusion.core.state import Candidate, Decision, SamplerState
from adaptive_diffusion.rules.top_k import best


@dataclass(frozen=True)
class Composed(Plan):
    """Remasking first, since its probabilities enter the pace; then the pace counts and the order chooses."""

    order: UnmaskingOrder
    pace: UnmaskingPace
    remasking: Remasking

    @property
    def rules(self) -> tuple[UnmaskingOrder, UnmaskingPace, Remasking]:
        """The three rules."""
        return self.order, self.pace, self.remasking

    def __post_init__(self) -> None:
        declared = {
            "revises": self.remasking.revises,
            "bounded": self.pace.clocked,
            "corruptions": self.order.corruptions & self.pace.corruptions & self.remasking.corruptions,
            "reads_committed": any(rule.reads_committed for rule in self.rules),
            "reads_all_blocks": any(rule.reads_all_blocks for rule in self.rules),
            "draws": any(rule.draws for rule in self.rules),
        }
        for name, value in declared.items():
            object.__setattr__(self, name, value)

    def bind(self, heads: Mapping[str, Any]) -> "Composed":
        return Composed(self.order.bind(heads), self.pace.bind(heads), self.remasking.bind(heads))

    def head_names(self) -> tuple[str, ...]:
        return sum((rule.head_names() for rule in self.rules), ())

    def missing_heads(self) -> tuple[str, ...]:
        return sum((rule.missing_heads() for rule in self.rules), ())

    def logit_statistics(self) -> tuple[LogitStatistic, ...]:
        return sum((rule.logit_statistics() for rule in self.rules), ())

    def init_carry(self, state: SamplerState, vocabulary: int) -> dict[str, Tensor]:
        return {name: value for rule in self.rules for name, value in rule.init_carry(state, vocabulary).items()}

    def update_carry(self, state: SamplerState, prediction: Prediction, decision: Decision) -> dict[str, Tensor]:
        return {
            name: value for rule in self.rules for name, value in rule.update_carry(state, prediction, decision).items()
        }

    def first_level(self, state: SamplerState) -> Tensor:
        return self.pace.first_level(state)

    def horizon(self, length: int) -> int:
        return self.pace.horizon(length)

    def __call__(self, state: SamplerState, prediction: Prediction, candidate: Candidate) -> Decision:
        next_level = self.pace.next_level(state)
        revision = self.remasking(state, prediction, next_level)
        score = self.order(state, prediction, candidate)
        if not score.is_floating_point():
            raise ValueError(f"{type(self.order).__name__} returned scores of {score.dtype}; return .double() of them")
        count = self.pace(state, prediction, score, revision, next_level)
        write = best(score, state.open, count)
        left = (state.open & ~write) | revision.remask
        full = ~left.any(1)
        if not self.remasking.revises:
            settled = full
        elif self.remasking.draws:
            settled = full & ((next_level <= 0) if self.pace.clocked else ~write.any(1))
        else:
            clock_ended = (next_level <= 0) & self.pace.clocked
            settled = full & (~write.any(1) | clock_ended | state.single)
        level = self.pace.level_after(state, left.sum(1), next_level)
        nothing = torch.zeros_like(write)
        return Decision(write, candidate.token, candidate.probability, revision.remask, nothing, level, settled)
