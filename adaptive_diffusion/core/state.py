"""What the loop carries from step to step, and what a step decides. Immutable records, batch first.

Shape suffixes: B rows (slots), L positions, D hidden width, K clean tokens, P packed positions.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum

import torch
from torch import Tensor

from adaptive_diffusion.core.corruption import Corruption
from adaptive_diffusion.core.row_noise import RowNoise
from adaptive_diffusion.core.rows import Rows


class HaltReason(IntEnum):
    """Why a row left the loop, as the state holds it.

    `RULE` stands for the halting rule of the row's sampler, which has a name and a sentence of its own
    (`core.rule.Halting.reason`); so a new rule needs no new member here.
    """

    RUNNING = 0
    ALL_COMMITTED = 1
    STEP_LIMIT = 2
    FAULT = 3
    RULE = 4


HALT_SENTENCES = {
    HaltReason.RUNNING: "still running",
    HaltReason.ALL_COMMITTED: "every position is committed and no further forward can change the answer",
    HaltReason.STEP_LIMIT: "the step limit was reached; open positions were filled from the last prediction",
    HaltReason.FAULT: "the row was stopped because its prediction could not be used",
}
"""What the reasons mean, for people; that of `RULE` comes from the sampler's halting rule."""


@dataclass(frozen=True)
class SamplerState(Rows):
    """A batch of sequences between two steps.

    Attributes:
        corruption: the noise these sequences are under; the same for all rows.
        query, variation: [B] int64, which answer a row is working on.
        key: [B] int64, the row's noise key.
        tokens: [B, L] int64.
        editable: [B, L] bool, false for what is given and for padding.
        eligible: [B, L] bool, editable and inside the current block.
        committed: [B, L] bool, positions the sampler has written and stands by; explicit, so masked and uniform noise
            share every rule.
        commit_probability: [B, L] float32, the candidate's probability when it was committed.
        commit_step, revisions: [B, L] int32, when it was last committed and how often it was taken back or replaced.
        noise_level: [B] float64, t of the clock the pace keeps.
        nfe: [B] int64, forwards computed for the row so far.
        token_forwards: [B] int64, positions computed for the row so far, summed over its forwards.
        block, step: [B] int64, the block a row is at and the steps it has taken in it; time begins anew in every block.
        earlier_steps: [B] int64, the steps of the blocks before.
        halt_reason: [B] int64, a `HaltReason`.
        carry: what rules must remember between steps, [B, …] each, owned by the rule that named it.
        protected: [B, L] bool, committed positions that may not be revised any more; None for no position. Revision
            limits set it for the plan within them.
    """

    corruption: Corruption
    query: Tensor
    variation: Tensor
    key: Tensor
    tokens: Tensor
    editable: Tensor
    eligible: Tensor
    committed: Tensor
    commit_probability: Tensor
    commit_step: Tensor
    revisions: Tensor
    noise_level: Tensor
    nfe: Tensor
    token_forwards: Tensor
    block: Tensor
    step: Tensor
    earlier_steps: Tensor
    halt_reason: Tensor
    carry: Mapping[str, Tensor] = field(default_factory=dict)
    protected: Tensor | None = None

    @property
    def open(self) -> Tensor:
        """[B, L]: eligible positions that are not committed."""
        return self.eligible & ~self.committed

    @property
    def revisable(self) -> Tensor:
        """[B, L]: eligible positions that are committed and not protected, the only ones a revision may change."""
        committed = self.eligible & self.committed
        return committed if self.protected is None else committed & ~self.protected

    @property
    def single(self) -> Tensor:
        """[B] bool: rows of one eligible position under masked noise. Taken back, it leaves the sequence in which it
        was predicted, so a second look at it cannot change the answer."""
        return (self.eligible.sum(1) == 1) & (self.corruption.kind == "absorbing")

    @property
    def status(self) -> Tensor:
        """[B, L] int64 for the denoiser: 0 given, 1 committed, 2 open. A given token is never wrong, a committed one
        may be. Where noise looks like a token, every editable position is open to it, as in training."""
        stands = self.committed & (self.corruption.kind == "absorbing")
        return torch.where(self.editable, torch.where(stands, 1, 2), 0)

    @property
    def noise(self) -> RowNoise:
        """The rows' randomness at this step."""
        return RowNoise(self.key, self.block, self.step)

    @property
    def steps_taken(self) -> Tensor:
        """[B] int64: the row's steps in all of its blocks."""
        return self.earlier_steps + self.step

    @property
    def running(self) -> Tensor:
        """[B] bool: rows that have not halted."""
        return self.halt_reason == HaltReason.RUNNING


@dataclass(frozen=True)
class Candidate(Rows):
    """The token that would stand at each position, and its probability. `token` [B, L] int64, `probability` [B, L]."""

    token: Tensor
    probability: Tensor


@dataclass(frozen=True)
class Decision(Rows):
    """What one step does to the sequence.

    Attributes:
        write, token: [B, L] bool and int64: open positions committed *and* committed ones replaced.
        probability: [B, L], stored as `commit_probability` where written.
        remask: [B, L] bool, committed positions taken back.
        renoise: [B, L] bool, open positions whose noise is drawn anew (uniform corruption).
        noise_level: [B] float64, the clock after the step.
        settled: [B] bool, no further forward can change the row.
    """

    write: Tensor
    token: Tensor
    probability: Tensor
    remask: Tensor
    renoise: Tensor
    noise_level: Tensor
    settled: Tensor

    def still_open(self, state: SamplerState) -> Tensor:
        """[B, L]: what is open once the decision is applied."""
        return (state.open & ~self.write) | (self.remask & state.revisable)

    def revised(self, state: SamplerState) -> Tensor:
        """[B, L]: committed tokens that are taken back or replaced by another."""
        return state.revisable & (self.remask | (self.write & (self.token != state.tokens)))

    def tokens_after(self, state: SamplerState) -> Tensor:
        """[B, L]: the sequence once the decision's writes are applied; remasked positions still show their old
        token."""
        return torch.where(self.write & state.eligible, self.token, state.tokens)


class Finish(IntEnum):
    """How a halted row's answer is read off: open positions filled from the prediction, or the argmax everywhere."""

    FILL = 0
    ARGMAX = 1


@dataclass(frozen=True)
class HaltDecision(Rows):
    """Which rows stop.

    Attributes:
        stop: [B] bool.
        probability: [B] float32, the probability that the answer is finished, where the rule predicts one.
        seen: further numbers the rule decided by, [B] each, under the names its `explanation` uses. They are recorded
            in traces.
    """

    stop: Tensor
    probability: Tensor | None = None
    seen: Mapping[str, Tensor] = field(default_factory=dict)
