"""Faulty rows end alone: a row that cannot be stepped is found by halving its batch, and its neighbours never notice.

Rows are independent to the last bit, so the step of a batch is the steps of its parts.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import reduce
from itertools import accumulate
from typing import TYPE_CHECKING

import torch

from adaptive_diffusion.core.denoiser import Evaluation
from adaptive_diffusion.core.prediction import Prediction
from adaptive_diffusion.core.state import Decision, HaltDecision, HaltReason, SamplerState
from adaptive_diffusion.sampling.reuse import LastEvaluation
from adaptive_diffusion.sampling.step import Step, step

if TYPE_CHECKING:
    from adaptive_diffusion.sampling.sampler import Sampler


@dataclass(frozen=True)
class Fault:
    """A row that cannot be stepped even alone."""

    row: SamplerState
    error: Exception


def step_isolating_faults(
    sampler: Sampler, state: SamplerState, max_steps: int, last: LastEvaluation | None = None
) -> Step:
    """`step`, but rows for which denoiser or rules raise end with `HaltReason.FAULT`, and `Step.errors` holds why.

    Raises:
        MemoryError, torch.OutOfMemoryError: which are no row's fault.
        ValueError: rows fail together, and no row fails alone: that is a defect of denoiser, head or rule.
    """
    parts = _parts(sampler, _rested(state), max_steps, last)
    if len(parts) == 1 and isinstance(parts[0], Step):
        return parts[0]
    sound = next((part for part in parts if isinstance(part, Step)), None)
    begins = accumulate((_rows(part) for part in parts), initial=0)
    errors = {begin: part.error for begin, part in zip(begins, parts, strict=False) if isinstance(part, Fault)}
    steps = [_faulty(part.row, sound) if isinstance(part, Fault) else part for part in parts]
    return replace(reduce(Step.append, steps), errors=errors)


def refused(state: SamplerState, error: Exception) -> Step:
    """The step in which rows end at once, without a forward, because of an error."""
    return replace(_faulty(state, None, forwards=0), errors=dict.fromkeys(range(len(state.tokens)), error))


def _parts(sampler: Sampler, state: SamplerState, max_steps: int, last: LastEvaluation | None) -> list[Step | Fault]:
    """The steps of parts of a batch, in the order of its rows, as large as they go."""
    try:
        return [step(sampler, state, max_steps, last)]
    except (MemoryError, torch.OutOfMemoryError):
        raise
    except Exception as error:
        rows = torch.arange(len(state.tokens), device=state.tokens.device)
        if len(rows) == 1:
            return [Fault(state, error)]
        halves = rows.tensor_split(2)
        parts = [
            part
            for half in halves
            for part in _parts(sampler, state.take(half), max_steps, None if last is None else last.take(half))
        ]
        if not any(isinstance(part, Fault) for part in parts):
            raise ValueError(
                f"a step of {len(rows)} rows failed, although each of them can be stepped alone, so no row is at "
                f"fault: {type(error).__name__}: {error}. The usual cause is a denoiser, head or rule that returns a "
                "wrong shape, such as [B] in the place of [B, L], or one whose rows depend on each other"
            ) from error
        return parts


def _rested(state: SamplerState) -> SamplerState:
    """Rows that ended in a fault and still hold a slot take over the sequence of a running one, so that they cannot
    fail again."""
    faulty = (state.halt_reason == HaltReason.FAULT).nonzero()[:, 0]
    if not len(faulty):
        return state
    onto = state.running.long().argmax().expand(len(faulty))
    own = {name: getattr(state, name)[faulty] for name in ("query", "variation", "halt_reason")}
    return state.put(faulty, replace(state.take(onto), **own))


def _faulty(row: SamplerState, sound: Step | None, forwards: int = 1) -> Step:
    """The step of rows whose prediction cannot be used; of one row [1, …], shaped like that of one that was `sound`."""
    still, nothing = row.running, torch.zeros_like(row.tokens)
    if sound is None:
        summaries = {"argmax": nothing, "confidence": nothing.float(), "margin": nothing.float()}
        counts = torch.full_like(row.nfe, forwards)
        evaluation = Evaluation(nothing[..., None].float(), {}, counts, counts * nothing.shape[1])
        prediction = Prediction(evaluation, summaries, nothing.bool(), still)
        decision = Decision(
            write=nothing.bool(),
            token=row.tokens,
            probability=nothing.float(),
            remask=nothing.bool(),
            renoise=nothing.bool(),
            noise_level=row.noise_level,
            settled=torch.zeros_like(still),
        )
        halt_decision, carry = HaltDecision(torch.zeros_like(still)), row.carry
    else:
        prediction, decision = sound.prediction.blank(), sound.decision.blank()
        halt_decision = sound.halt_decision.blank()
        forwards = int(torch.as_tensor(sound.prediction.evaluation.forwards).max())
        carry = {name: row.carry.get(name, torch.zeros_like(value[:1])) for name, value in sound.after.carry.items()}
    after = replace(
        row,
        nfe=row.nfe + forwards * still,
        token_forwards=row.token_forwards + forwards * row.tokens.shape[1] * still,
        step=row.step + still.long(),
        halt_reason=row.halt_reason.masked_fill(still, HaltReason.FAULT),
        carry=carry,
    )
    return Step(row, prediction, decision, halt_decision, row.tokens, after)


def _rows(part: Step | Fault) -> int:
    return len(part.before.tokens if isinstance(part, Step) else part.row.tokens)
