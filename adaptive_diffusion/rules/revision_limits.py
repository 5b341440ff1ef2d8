"""What limits revisions: a budget, and the detection of cycles.

A denoiser that is undecided between two tokens takes each back in favour of the other without end. So a sampler puts
these limits around every plan that has no bound of its own, unless `limits=None`, and reports which rows met them.
"""

from dataclasses import dataclass, field, replace

import torch
from torch import Tensor

from adaptive_diffusion.core.parameters import Parameters
from adaptive_diffusion.core.prediction import Prediction
from adaptive_diffusion.core.row_noise import absorb
from adaptive_diffusion.core.rule import Plan
from adaptive_diffusion.core.state import Candidate, Decision, SamplerState
from adaptive_diffusion.rules.plan_wrapper import PlanWrapper

SPENT, CYCLED = "limits.spent", "limits.cycled"
CYCLED_IN_BLOCK = "limits.cycled_in_block"


@dataclass(frozen=True)
class RevisionLimits(Parameters):
    """At most `each` revisions of one position and `total` of one answer, and no more once a sequence comes back
    that was among the last `memory` ones: on the same sequence a denoiser predicts the same again.

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
    """A plan whose revisions end where the limits say. Positions whose limit is reached are protected from the plan,
    so that it may commit something else in the same step; what the rest of the budget does not cover is neither
    written nor taken back. A full sequence on which nothing else happens is settled.

    It carries a 64-bit hash of each sequence, [B, memory], and whether a budget was used up and a cycle found, [B]
    each. A cycle ends the revisions of its own block alone, and is reported of the row to the end.
    """

    limits: RevisionLimits = field(default_factory=RevisionLimits)
    bounded = True

    def init_carry(self, state: SamplerState, vocabulary: int) -> dict[str, Tensor]:
        never = torch.zeros_like(state.running)
        return {
            **self.inner.init_carry(state, vocabulary),
            "limits.seen": state.key.new_zeros(len(state.key), self.limits.memory),
            SPENT: never,  # revisions are counted over all blocks, so that it is found again
            CYCLED: state.carry.get(CYCLED, never),  # a later block finds what the blocks before it have carried
            CYCLED_IN_BLOCK: never,
        }

    def update_carry(self, state: SamplerState, prediction: Prediction, decision: Decision) -> dict[str, Tensor]:
        cycled = self.cycled(state)
        return {
            **self.inner.update_carry(state, prediction, decision),
            "limits.seen": torch.cat([state.carry["limits.seen"][:, 1:], sequence_hash(state)[:, None]], dim=1),
            SPENT: state.carry[SPENT] | self.spent(state),
            CYCLED: state.carry[CYCLED] | cycled,
            CYCLED_IN_BLOCK: cycled,
        }

    def spent(self, state: SamplerState) -> Tensor:
        """[B] bool, whether a position or the answer has been revised as often as it may."""
        return (state.revisions >= self.limits.each).any(1) | (state.revisions.sum(1) >= self.limits.total)

    def cycled(self, state: SamplerState) -> Tensor:
        """[B] bool, whether this sequence or an earlier one of its block had been there before."""
        return state.carry[CYCLED_IN_BLOCK] | (state.carry["limits.seen"] == sequence_hash(state)[:, None]).any(1)

    def __call__(self, state: SamplerState, prediction: Prediction, candidate: Candidate) -> Decision:
        left = (self.limits.total - state.revisions.sum(1)).clamp(min=0)
        ended = self.cycled(state) | (left == 0)
        protected = (state.revisions >= self.limits.each) | ended[:, None]
        decision = self.inner(replace(state, protected=protected), prediction, candidate)
        revised = decision.revised(state)
        wanted = revised & ~protected
        rank = state.commit_probability.masked_fill(~wanted, torch.inf).argsort(dim=1, stable=True).argsort(dim=1)
        refused = revised & ~(wanted & (rank < left[:, None]))
        limited = replace(decision, write=decision.write & ~refused, remask=decision.remask & ~refused)
        nothing = ~(limited.revised(state) | limited.write & state.open | limited.still_open(state)).any(1)
        met = (refused | (protected & state.revisable)).any(1)
        return replace(limited, settled=decision.settled | (met & nothing))


def sequence_hash(state: SamplerState) -> Tensor:
    """[B] int64, a hash of the tokens and of which are committed, never 0."""
    standing = 2 * state.tokens + state.committed
    positions = torch.arange(standing.shape[1], device=standing.device).expand_as(standing)
    together = absorb(absorb(torch.zeros_like(standing), positions), standing).sum(1)
    return together.where(together != 0, 1)
