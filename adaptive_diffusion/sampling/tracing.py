"""Records what the loop does, as an observer: one copy to the host per step, and no memory but the shard's."""

import time
from collections.abc import Callable, Mapping

import numpy as np
import torch
from torch import Tensor

from adaptive_diffusion.core.events import OPEN, Event
from adaptive_diffusion.core.query import Queries
from adaptive_diffusion.core.trace_writer import TraceWriter
from adaptive_diffusion.sampling.result import SampleResult
from adaptive_diffusion.sampling.step import Step

_NOTHING = -1
GRADES = ("correct", "exact", "valid", "score")

Check = Callable[[Tensor, Tensor], Tensor]
"""From sequences [R, L] and the ids of their queries [R] to floats [R]: 1 for a correct answer, 0 for another one, NaN
where nothing can decide."""


class TraceRecorder:
    """Sends every step's events to a `TraceWriter`; `finish` adds a row per answer.

    A row that halts with open positions commits them in its last step; an argmax finish replaces tokens. With `check`
    the trace records at every step whether the tokens that stand are a correct answer. `seconds` is the time that
    recording took, which is no part of sampling.
    """

    def __init__(self, writer: TraceWriter, check: Check | None = None):
        self.writer, self.check = writer, check
        self.seconds = 0.0

    def __call__(self, step: Step) -> None:
        _wait(step.before.tokens.device)
        begin = time.perf_counter()
        self._record(step)
        self.seconds += time.perf_counter() - begin

    def _record(self, step: Step) -> None:
        before, after = step.before, step.after
        event, token, confidence = events_of(step)
        rows, positions = (event != _NOTHING).nonzero().unbind(1)
        at = rows, positions
        taken = after.steps_taken
        events = _integers(before.query[rows], before.variation[rows], taken[rows], positions, token[at], event[at])
        stays_open = (after.editable & ~after.committed).sum(1)
        steps = _integers(before.query, before.variation, taken, stays_open, before.running)
        numbers = [_column(step.halt_decision.probability, before.noise_level)]
        numbers += [_column(step.halt_decision.seen.get(name), before.noise_level) for name in self.writer.header.seen]
        columns = torch.stack([_bits(number) for number in numbers])
        host = torch.cat([part.flatten() for part in (events, _bits(confidence[at]), steps, columns)]).cpu()
        split = 7 * len(rows)
        self._write_events(*host[:split].view(7, -1).numpy())
        self._write_steps(host[split:].view(5 + len(numbers), -1).numpy(), self._correct(step, stays_open == 0))

    def _correct(self, step: Step, full: Tensor) -> np.ndarray | None:
        """[B]: whether each row's tokens are a correct answer; a sequence with open positions is not."""
        if self.check is None:
            return None
        correct = np.zeros(len(full), np.float32)
        rows = (full & step.before.running).nonzero()[:, 0]
        if len(rows):
            found = self.check(step.after.tokens[rows].cpu(), step.after.query[rows].cpu())
            correct[rows.cpu().numpy()] = found.numpy()
        return correct

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

    def _write_steps(self, columns: np.ndarray, correct: np.ndarray | None) -> None:
        live = columns[4].astype(bool)
        query, variation, step, stays_open = columns[:4, live]
        probability, *seen = columns[5:, live].view(np.float64)
        self.writer.append_steps(
            query=query,
            variation=variation,
            step=step,
            open=stays_open,
            halt_probability=probability,
            correct=None if correct is None else correct[live],
            seen=dict(zip(self.writer.header.seen, seen, strict=True)),
        )

    def finish(
        self,
        queries: Queries,
        result: SampleResult,
        grades: Mapping[str, Tensor] | None = None,
        difficulty: Mapping[str, Tensor] | None = None,
        target: Tensor | None = None,
    ) -> None:
        """Adds the rows, R of them in the order of the result.

        Args:
            queries: what was sampled.
            result: the answers.
            grades: figures of the answers [R], as `Task.grades` gives them.
            difficulty: measures of the queries [R].
            target: reference answers [R, L].
        """
        n = len(result.query) // max(len(queries), 1)
        length = queries.tokens.shape[1]
        known = {name: _host(values) for name, values in (grades or {}).items()}
        rows = range(len(result.query))
        self.writer.append_rows(
            query=_host(result.query),
            variation=_host(result.variation),
            length=np.full(len(result.query), length, np.int32),
            nfe=_host(result.nfe),
            token_forwards=_host(result.token_forwards),
            halt_reason=[result.reason(row) for row in rows],
            halt_sentence=[result.why(row) for row in rows],
            revisions=_host(result.revisions),
            rewrites=_host(result.rewrites),
            answer=_host(result.answers),
            start=_host(torch.where(queries.start[0], OPEN, queries.tokens).repeat_interleave(n, 0)),
            target=None if target is None else _host(target),
            **{name: known.get(name) for name in GRADES},
            columns={name: known[name] for name in known.keys() - {*GRADES}},
            difficulty={name: _host(values.double()) for name, values in (difficulty or {}).items()},
        )


def events_of(step: Step) -> tuple[Tensor, Tensor, Tensor]:
    """Per position [B, L]: the `Event` of the step or −1, the token it concerns, and the model's probability of it.

    A token taken back has the probability it was committed with where no rule read the current tokens'.
    """
    before, after, summaries = step.before, step.after, step.prediction.summaries
    live = before.running[:, None] & before.editable
    committed = live & ~before.committed & after.committed
    remasked = live & before.committed & ~after.committed
    replaced = live & before.committed & after.committed & (before.tokens != after.tokens)
    event = torch.full_like(before.tokens, _NOTHING)
    for kind, where in ((Event.COMMIT, committed), (Event.REMASK, remasked), (Event.REPLACE, replaced)):
        event = event.masked_fill(where, int(kind))
    written = step.decision.write & (step.decision.token == after.tokens)
    standing = summaries.get("current_token_probability", before.commit_probability)
    confidence = torch.where(written, step.decision.probability, summaries["confidence"])
    return event, torch.where(remasked, before.tokens, after.tokens), torch.where(remasked, standing, confidence)


def _column(values: Tensor | None, like: Tensor) -> Tensor:
    return torch.full_like(like, torch.nan) if values is None else values.expand_as(like)


def _integers(*columns: Tensor) -> Tensor:
    """Integer columns stacked, [columns, entries] int64."""
    return torch.stack([column.long() for column in columns])


def _bits(values: Tensor) -> Tensor:
    """Numbers as the bits of float64 in int64, so that they travel with integers in one copy."""
    return values.double().view(torch.int64)


def _host(tensor: Tensor) -> np.ndarray:
    return tensor.cpu().numpy()


def _wait(device: torch.device) -> None:
    """Waits for the forward, which a GPU runs in the background; else its time would count as recording."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
