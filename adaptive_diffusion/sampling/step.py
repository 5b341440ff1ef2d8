"""The one step: evaluate, propose, plan, halt, apply."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from adaptive_diffusion.core.answer import answer_now
from adaptive_diffusion.core.denoiser import Evaluation
from adaptive_diffusion.core.prediction import Prediction
from adaptive_diffusion.core.rows import Rows
from adaptive_diffusion.core.state import Decision, HaltDecision, HaltReason, SamplerState
from adaptive_diffusion.sampling.checks import check_returned
from adaptive_diffusion.sampling.end_of_text import drop_behind_end
from adaptive_diffusion.sampling.predict import read
from adaptive_diffusion.sampling.reuse import LastEvaluation, evaluate

if TYPE_CHECKING:
    from adaptive_diffusion.sampling.sampler import Sampler


@dataclass(frozen=True)
class Step(Rows):
    """What one step saw, decided and left: `before` and `after` it, and `answer` [B, L], the tokens if its
    row, or its block, ends here. `errors` holds rows that could not be stepped (`sampling.faults`)."""

    before: SamplerState
    prediction: Prediction
    decision: Decision
    halt_decision: HaltDecision
    answer: Tensor
    after: SamplerState
    errors: Mapping[int, Exception] = field(default_factory=dict)


def step(sampler: Sampler, state: SamplerState, max_steps: int, last: LastEvaluation | None = None) -> Step:
    """One denoiser evaluation, and what follows from it. `last` is the slots' last evaluation, where it may be used."""
    return advance(sampler, state, evaluate(sampler.denoiser, state, last), max_steps)


def advance(sampler: Sampler, state: SamplerState, evaluation: Evaluation, max_steps: int) -> Step:
    """The step that follows from a given evaluation; on-policy training makes the forward itself, for its loss."""
    where = positions_read(sampler, state)
    prediction = read(sampler.denoiser, evaluation, state, sampler.logit_statistics, where, sampler.processors)
    candidate = sampler.proposal(state, prediction)
    decision = sampler.full_plan(state, prediction, candidate)
    halt_decision = sampler.halting(state, prediction, decision)
    check_returned(sampler.halting, halt_decision, HaltDecision)
    carry = {
        name: value for rule in sampler.rules for name, value in rule.update_carry(state, prediction, decision).items()
    }
    reason = halt_reason(sampler, state, decision, halt_decision, max_steps)
    if prediction.faulty is not None:
        reason = reason.masked_fill(prediction.faulty, HaltReason.FAULT)
    complete = (reason == HaltReason.RULE) & sampler.halting.ends_answer
    scope = replace(state, eligible=state.eligible | (state.editable & complete[:, None]))
    answer = answer_now(scope, prediction, decision, sampler.halting.finish)
    after = apply(state, decision, scope, prediction, answer, reason)
    after = replace(after, carry={**state.carry, **carry})
    after = drop_behind_end(after, sampler.end_tokens, halted_only=sampler.full_plan.commits_noise)
    after = sampler.next_block(after)
    return Step(state, prediction, decision, halt_decision, answer, after)


def positions_read(sampler: Sampler, state: SamplerState) -> Tensor:
    """[B, L] bool, where logits are formed: open positions, committed ones too where a rule reads these; in the present
    block, or in all blocks where a rule reads them."""
    block = state.editable if sampler.reads_all_blocks else state.eligible
    return (block if sampler.reads_committed else block & ~state.committed) & state.running[:, None]


def halt_reason(
    sampler: Sampler, state: SamplerState, decision: Decision, halt_decision: HaltDecision, max_steps: int
) -> Tensor:
    """[B] why each row ends with this step, `RUNNING` where it does not."""
    reason = torch.full_like(state.halt_reason, HaltReason.RUNNING)
    reason = reason.masked_fill(state.step + 1 >= max_steps, HaltReason.STEP_LIMIT)
    reason = reason.masked_fill(halt_decision.stop, HaltReason.RULE)
    # A block that is settled does not hide that the rule ends the blocks behind it too.
    beyond = (state.editable & ~state.eligible & ~state.committed).any(1)
    ends_more = halt_decision.stop & sampler.halting.ends_answer & beyond
    return reason.masked_fill(decision.settled & ~ends_more, HaltReason.ALL_COMMITTED)


def apply(
    state: SamplerState,
    decision: Decision,
    scope: SamplerState,
    prediction: Prediction,
    answer: Tensor,
    reason: Tensor,
) -> SamplerState:
    """The state after a decision. Writes reach eligible positions only, here and nowhere else; halted rows stay.

    A row that halts holds its answer, committed where `scope` is eligible: in the block, or in all blocks; a position
    that was open, or that the answer gives another token, has the probability of that token, the argmax. A row that
    ends in a fault keeps the sequence it had. A position committed and remasked at once ends open. A revision is a
    token taken back or replaced; in a row that halts, what counts is whether the answer holds another token.
    """
    sound = state.running & (reason != HaltReason.FAULT)
    live = sound[:, None]
    remask = decision.remask & state.revisable & live
    write = decision.write & state.eligible & ~remask & live
    replaced = write & (decision.token != state.tokens)
    renoise = (decision.renoise & state.open & ~write & live) | remask
    tokens = torch.where(write, decision.token, state.tokens)
    noise = state.corruption.noise(tokens, lambda: state.noise.everywhere("renoise", tokens.shape[1]))
    halting = sound & (reason != HaltReason.RUNNING)
    filled = decision.still_open(scope) | (answer != decision.tokens_after(scope))
    filled &= halting[:, None] & prediction.read
    stood, confidence = state.commit_probability, prediction["confidence"].to(state.commit_probability)
    evaluation = prediction.evaluation
    revised = torch.where(halting[:, None], answer != state.tokens, remask | replaced)
    return replace(
        state,
        tokens=torch.where(halting[:, None], answer, torch.where(renoise, noise, tokens)),
        committed=torch.where(halting[:, None], state.committed | scope.eligible, (state.committed | write) & ~remask),
        commit_probability=torch.where(filled, confidence, torch.where(write, decision.probability.to(stood), stood)),
        commit_step=torch.where(write, state.steps_taken[:, None].to(state.commit_step), state.commit_step),
        revisions=state.revisions + (revised & state.committed),
        noise_level=torch.where(state.running, decision.noise_level, state.noise_level),
        nfe=state.nfe + evaluation.forwards * state.running,
        token_forwards=state.token_forwards + evaluation.positions_computed * state.running,
        step=state.step + state.running.long(),
        halt_reason=torch.where(state.running, reason, state.halt_reason),
    )
