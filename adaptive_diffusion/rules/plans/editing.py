"""Plans that look again at what an inner plan has committed, also at a full sequence (LLaDA2.1 and what followed
it)."""

from abc import abstractmethod
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from adaptive_diffusion.core.parameters import check_probability
from adaptive_diffusion.core.prediction import Prediction
from adaptive_diffusion.core.state import Candidate, Decision, SamplerState
from adaptive_diffusion.rules.plan_wrapper import PlanWrapper


class SecondLook(PlanWrapper):
    """Tokens that stood committed before the step may be revised in it, beside the commits of the inner plan. A row, or
    its block, is settled when the step began with a full sequence and revised nothing, or when it is full after `extra`
    such steps.

    It carries the number of steps that began with a full sequence, [B] int64.
    """

    extra: int
    revises = True
    reads_committed = True

    @abstractmethod
    def revised(
        self, state: SamplerState, prediction: Prediction, candidate: Candidate, decision: Decision
    ) -> Decision:
        """The inner decision with what is replaced or taken back among committed tokens."""

    def init_carry(self, state: SamplerState, vocabulary: int) -> dict[str, Tensor]:
        return {**self.inner.init_carry(state, vocabulary), "editing.extra": torch.zeros_like(state.step)}

    def update_carry(self, state: SamplerState, prediction: Prediction, decision: Decision) -> dict[str, Tensor]:
        full = ~state.open.any(1)
        return {
            **self.inner.update_carry(state, prediction, decision),
            "editing.extra": state.carry["editing.extra"] + full.long(),
        }

    def horizon(self, length: int) -> int:
        return self.inner.horizon(length) + self.extra

    def __call__(self, state: SamplerState, prediction: Prediction, candidate: Candidate) -> Decision:
        inner = self.inner(state, prediction, candidate)
        decision = self.revised(state, prediction, candidate, inner)
        looked = ~state.open.any(1)
        spent = state.carry["editing.extra"] + looked.long() >= self.extra
        full = ~decision.still_open(state).any(1)
        unchanged = looked & ~decision.revised(state).any(1)
        return replace(decision, settled=full & (spent | unchanged | state.single))


@dataclass(frozen=True)
class TokenEditing(SecondLook):
    """A committed token is replaced when the drawn one differs and has p > `threshold`, also while positions are still
    open (LLaDA2.1, Bie et al. 2026, arXiv 2602.08676: .95 to commit and .9 to edit, or .7 and .5; at most 16 looks at a
    full block, where diffusers makes 17).

    Raises:
        ValueError: a threshold that is no probability.
    """

    threshold: float = 0.9
    extra: int = 16

    def __post_init__(self) -> None:
        super().__post_init__()
        check_probability(self.threshold)

    def revised(
        self, state: SamplerState, prediction: Prediction, candidate: Candidate, decision: Decision
    ) -> Decision:
        edit = state.revisable & (candidate.token != state.tokens) & (candidate.probability > self.threshold)
        return replace(decision, write=decision.write | (edit & ~decision.remask))
