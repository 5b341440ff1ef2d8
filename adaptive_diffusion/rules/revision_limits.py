"""What keeps revisions within bounds: a budget, and an end to going round in circles.

A denoiser that is hesitant between two tokens takes each back in favour of the other for ever. So a sampler puts these
limits around every plan that has no bound of its own, unless told otherwise, and reports which rows met them.
"""

from dataclasses import dataclass, field, replace

import torch
from torch import Tensor

from adaptive_diffusion.core.prediction import Prediction
from adaptive_diffusion.core.row_noise import absorb
from adaptive_diffusion.core.rule import Plan
from adaptive_diffusion.core.state import Candidate, Decision, SamplerState
from adaptive_diffusion.rules.plan_wrapper import PlanWrapper

SPENT, CYCLED = "limits.spent", "limits.cycled"


@dataclass(frozen=True)
class RevisionLimits:
    """At most `each` revisions of one position and `total` of one answer, and none any more once a sequence comes back
    that was among the last `memory` ones: a denoiser that is asked the same question again gives the same answer.

    A revision is a committed token taken back or replaced. Where the budget does not last for all that the plan would
    revise, the least probable commits go first.

    Raises:
        ValueError: a budget below 0, a memory of no sequence.
    """

    each: int = 4
    total: int = 256
    memory: int = 16

    def __post_init__(self) -> None:
        if min(self.each, self.total) < 0:
            raise ValueError(f"budgets each={self.each} and total={self.total} must not be negative")
        if self.memory < 1:
            raise ValueError(f"memory={self.memory} remembers no sequence; use at least 1")

    def around(self, plan: Plan) -> Plan:
        """The plan within these limits; itself where it never revises or has a bound of its own."""
        return plan if plan.bounded or not plan.revises else LimitedPlan(plan, self)


@dataclass(frozen=True)
class LimitedPlan(PlanWrapper):
    """A plan whose revisions end where the limits say. What is refused is neither written nor taken back; a full
    sequence on which nothing else happens is settled.

    It carries a 64-bit hash of each sequence, [B, memory], and whether a budget was used up and a cycle found, [B]
    each.
    """

    limits: RevisionLimits = field(default_factory=RevisionLimits)
    bounded = True

    def init_carry(self, state: SamplerState, vocabulary: int) -> dict[str, Tensor]:
        never = torch.zeros_like(state.running)
        return {
            **self.inner.init_carry(state, vocabulary),
            "limits.seen": state.key.new_zeros(len(state.key), self.limits.memory),
            SPENT: never,
            CYCLED: never,
        }

    def update_carry(self, state: SamplerState, prediction: Prediction, decision: Decision) -> dict[str, Tensor]:
        return {
            **self.inner.update_carry(state, prediction, decision),
            "limits.seen": torch.cat([state.carry["limits.seen"][:, 1:], sequence_hash(state)[:, None]], dim=1),
            SPENT: state.carry[SPENT] | self.spent(state),
            CYCLED: self.cycled(state),
        }

    def spent(self, state: SamplerState) -> Tensor:
        """[B] bool, whether a position or the answer has been revised as often as it may."""
        return (state.revisions >= self.limits.each).any(1) | (state.revisions.sum(1) >= self.limits.total)

    def cycled(self, state: SamplerState) -> Tensor:
        """[B] bool, whether this sequence or an earlier one had been there before."""
        return state.carry[CYCLED] | (state.carry["limits.seen"] == sequence_hash(state)[:, None]).any(1)

    def __call__(self, state: SamplerState, prediction: Prediction, candidate: Candidate) -> Decision:
        decision = self.inner(state, prediction, candidate)
        revised = decision.revised(state)
        wanted = revised & (state.revisions < self.limits.each) & ~self.cycled(state)[:, None]
        left = (self.limits.total - state.revisions.sum(1)).clamp(min=0)
        rank = state.commit_probability.masked_fill(~wanted, torch.inf).argsort(dim=1, stable=True).argsort(dim=1)
        refused = revised & ~(wanted & (rank < left[:, None]))
        kept = replace(decision, write=decision.write & ~refused, remask=decision.remask & ~refused)
        nothing = ~(kept.revised(state) | kept.write & state.open | kept.still_open(state)).any(1)
        return replace(kept, settled=decision.settled | (refused.any(1) & nothing))


def sequence_hash(state: SamplerState) -> Tensor:
    """[B] int64, a hash of the tokens and of which are committed, never 0."""
    standing = 2 * state.tokens + state.committed
    positions = torch.arange(standing.shape[1], device=standing.device).expand_as(standing)
    together = absorb(absorb(torch.zeros_like(standing), positions), standing).sum(1)
    return together.where(together != 0, 1)
