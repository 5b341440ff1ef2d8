"""Writes down what the loop does, as an observer: one copy to the host a step, nothing kept but what a shard holds."""

import numpy as np
import torch
from torch import Tensor

from adaptive_diffusion.core.query import Queries
from adaptive_diffusion.core.state import HaltReason
from adaptive_diffusion.core.trace import OPEN, Event, TraceWriter
from adaptive_diffusion.sampling.result import SampleResult
from adaptive_diffusion.sampling.step import Step


class TraceRecorder:
    """Sends every step's events to a `TraceWriter`; `finish` adds a row per answer.

    A row that halts with open positions commits them in its last step; an argmax finish edits what it replaces.
    """

    def __init__(self, writer: TraceWriter):
        self.writer = writer

    def __call__(self, step: Step) -> None:
        before, after = step.before, step.after
        live = before.running[:, None]
        changed = live & before.editable & (before.tokens != after.tokens)
        revoked = live & before.committed & ~after.committed & after.running[:, None]
        ended = live & ~after.running[:, None] & before.eligible
        committed = live & ~before.committed & (after.committed | ended) & before.eligible
        edited = live & before.committed & (after.committed | ended) & changed
        for event, where in ((Event.REVOKE, revoked), (Event.COMMIT, committed), (Event.EDIT, edited)):
            self._events(step, event, where)
        rows = before.running.nonzero()[:, 0]
        halt = step.verdict.probability
        self.writer.append_steps(
            query=_host(before.query[rows]),
            variation=_host(before.variation[rows]),
            step=_host(after.step[rows]),
            open=_host((after.open & after.running[:, None]).sum(1)[rows]),
            halt_probability=None if halt is None else _host(halt[rows].float()),
        )

    def _events(self, step: Step, event: Event, where: Tensor) -> None:
        rows, positions = where.nonzero().unbind(1)
        if not len(rows):
            return
        state = step.before if event == Event.REVOKE else step.after
        self.writer.append_events(
            query=_host(state.query[rows]),
            variation=_host(state.variation[rows]),
            step=_host(step.after.step[rows]),
            position=_host(positions),
            token=_host(state.tokens[rows, positions]),
            event=np.full(len(rows), int(event), np.int8),
            confidence=_host(step.prediction["confidence"][rows, positions].float()),
        )

    def finish(self, queries: Queries, result: SampleResult, **known: Tensor) -> None:
        """Adds the rows: `known` may hold `exact`, `valid`, `difficulty`, `clues` [R] and `target` [R, L]."""
        n = len(result.query) // len(queries)
        start = torch.where(queries.editable, OPEN, queries.tokens).repeat_interleave(n, 0)
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
            start=_host(start),
            **{name: _host(value) for name, value in known.items()},
        )


def _host(tensor: Tensor) -> np.ndarray:
    return tensor.cpu().numpy()
