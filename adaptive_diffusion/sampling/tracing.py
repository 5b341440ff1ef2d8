"""Writes down what the loop does, as an observer: one copy to the host a step, nothing kept but what a shard holds."""

import numpy as np
import torch
from torch import Tensor

from adaptive_diffusion.core.events import OPEN, Event
from adaptive_diffusion.core.query import Queries
from adaptive_diffusion.core.state import HaltReason
from adaptive_diffusion.core.trace_writer import TraceWriter
from adaptive_diffusion.sampling.result import SampleResult
from adaptive_diffusion.sampling.step import Step

_NOTHING = -1


class TraceRecorder:
    """Sends every step's events to a `TraceWriter`; `finish` adds a row per answer.

    A row that halts with open positions commits them in its last step; an argmax finish edits what it replaces.
    """

    def __init__(self, writer: TraceWriter):
        self.writer = writer

    def __call__(self, step: Step) -> None:
        before, after = step.before, step.after
        event, token, confidence = what_happened(step)
        rows, positions = (event != _NOTHING).nonzero().unbind(1)
        at = rows, positions
        taken = after.steps_taken
        events = _whole(before.query[rows], before.variation[rows], taken[rows], positions, token[at], event[at])
        stays_open = (after.editable & ~after.committed).sum(1)
        steps = _whole(before.query, before.variation, taken, stays_open, before.running)
        halt = step.halt_decision.probability
        chance = torch.full_like(before.noise_level, torch.nan) if halt is None else halt
        host = torch.cat([part.flatten() for part in (events, _bits(confidence[at]), steps, _bits(chance))]).cpu()
        host_events, host_steps = host[: 7 * len(rows)].view(7, -1).numpy(), host[7 * len(rows) :].view(6, -1).numpy()
        self._write_events(*host_events)
        self._write_steps(*host_steps)

    def _write_events(self, query, variation, step, position, token, event, confidence) -> None:
        self.writer.append_events(
            query=query,
            variation=variation,
            step=step,
            position=position,
            token=token,
            event=event.astype(np.int8),
            confidence=confidence.view(np.float64),
        )

    def _write_steps(self, query, variation, step, stays_open, running, chance) -> None:
        live = running.astype(bool)
        self.writer.append_steps(
            query=query[live],
            variation=variation[live],
            step=step[live],
            open=stays_open[live],
            halt_probability=chance.view(np.float64)[live],
        )

    def finish(self, queries: Queries, result: SampleResult, **known: Tensor) -> None:
        """Adds the rows. `known` may hold `exact`, `valid`, `difficulty`, `clues` [R] and `target` [R, L], in the
        order of the result."""
        n = len(result.query) // max(len(queries), 1)
        length = queries.tokens.shape[1]
        self.writer.append_rows(
            query=_host(result.query),
            variation=_host(result.variation),
            length=np.full(len(result.query), length, np.int32),
            nfe=_host(result.nfe),
            tokens_forwarded=_host(result.nfe * length),
            halt_reason=[HaltReason(reason).name.lower() for reason in result.halt_reason.tolist()],
            revisions=_host(result.revisions),
            answer=_host(result.answers),
            start=_host(torch.where(queries.start[0], OPEN, queries.tokens).repeat_interleave(n, 0)),
            **{name: _host(value) for name, value in known.items()},
        )


def what_happened(step: Step) -> tuple[Tensor, Tensor, Tensor]:
    """Per position [B, L]: the `Event` of the step or −1, the token it concerns, and the model's probability of it.

    A token taken back has the probability it was committed with where no part read the standing tokens'.
    """
    before, after, said = step.before, step.after, step.prediction.summaries
    live = before.running[:, None] & before.eligible
    committed = live & ~before.committed & after.committed
    revoked = live & before.committed & ~after.committed
    edited = live & before.committed & after.committed & (before.tokens != after.tokens)
    event = torch.full_like(before.tokens, _NOTHING)
    for kind, where in ((Event.COMMIT, committed), (Event.REMASK, revoked), (Event.REPLACE, edited)):
        event = event.masked_fill(where, int(kind))
    written = step.decision.write & (step.decision.token == after.tokens)
    standing = said.get("current_token_probability", before.commit_probability)
    confidence = torch.where(written, step.decision.probability, said["confidence"])
    return event, torch.where(revoked, before.tokens, after.tokens), torch.where(revoked, standing, confidence)


def _whole(*columns: Tensor) -> Tensor:
    """Integer columns stacked, [columns, entries] int64."""
    return torch.stack([column.long() for column in columns])


def _bits(values: Tensor) -> Tensor:
    """Numbers as the bits of float64 in int64, so that they travel with integers in one copy."""
    return values.double().view(torch.int64)


def _host(tensor: Tensor) -> np.ndarray:
    return tensor.cpu().numpy()
