"""Problems sampled and graded piece by piece, so that memory hardly grows with their number."""

import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from adaptive_diffusion.core.query import Queries
from adaptive_diffusion.core.trace_header import TraceHeader
from adaptive_diffusion.core.trace_writer import TraceWriter
from adaptive_diffusion.evaluation.accuracy import fingerprints
from adaptive_diffusion.runs.cached_sampler import equal_parts
from adaptive_diffusion.sampling.result import SampleResult
from adaptive_diffusion.sampling.sampler import Sampler
from adaptive_diffusion.sampling.tracing import TraceRecorder
from adaptive_diffusion.tasks.task import Task

PIECE = 8_192
"""Answers that are sampled and graded at once: so many that the slots which empty at the end of a piece cost little."""

SLOTS = 128
"""Sequences a forward. Twice as many are no faster on two cores, and a forward of them takes 60 MB more."""

COLUMNS = "query", "nfe", "steps", "token_forwards", "revisions", "rewrites", "cycled", "budget_spent"


@dataclass(frozen=True)
class Sampled:
    """What a sampler made of N problems.

    Attributes:
        queries: the N queries.
        result: R = N·n answers.
        grades: figures of the answers [R], as `Task.grades` gives them.
        seconds: of sampling, without what it took to record a trace.
    """

    queries: Queries
    result: SampleResult
    grades: dict[str, Tensor]
    seconds: float


@dataclass(frozen=True)
class AnswerFigures:
    """Figures of R answers, one to each query, without the sequences.

    Attributes:
        columns: those of `SampleResult` by their names, `COLUMNS`, [R] each.
        grades: as `Task.grades` gives them, [R] each.
        written: fingerprints [R] of what was written.
        faults: answers that ended in a fault.
        seconds: of sampling.
    """

    columns: dict[str, Tensor]
    grades: dict[str, Tensor]
    written: np.ndarray
    faults: int
    seconds: float

    @classmethod
    def of(cls, found: Sampled) -> "AnswerFigures":
        """The figures of what was sampled."""
        columns = {name: found.result.__dict__[name] for name in COLUMNS}
        written = fingerprints(found.result.answers, found.queries.editable)
        return cls(columns, found.grades, written, len(found.result.faults), found.seconds)

    @classmethod
    def joined(cls, pieces: Sequence["AnswerFigures"]) -> "AnswerFigures":
        """The figures of consecutive pieces."""
        return cls(
            columns={name: torch.cat([piece.columns[name] for piece in pieces]) for name in COLUMNS},
            grades={name: torch.cat([piece.grades[name] for piece in pieces]) for name in pieces[0].grades},
            written=np.concatenate([piece.written for piece in pieces]),
            faults=sum(piece.faults for piece in pieces),
            seconds=sum(piece.seconds for piece in pieces),
        )


def sampled_pieces(
    name: str,
    sampler: Sampler,
    task: Task,
    problems: Any,
    n: int = 1,
    seed: int = 0,
    slots: int = SLOTS,
    trace: Path | None = None,
    family: str = "",
    piece: int | None = PIECE,
) -> Iterator[Sampled]:
    """Samples `n` answers to each problem and checks them, in pieces of at most `piece` answers, in the order of the
    problems; None takes all at once. The answers do not depend on the pieces, since the noise of a query depends on its
    number only. A trace is recorded in the folder `trace`, if given.

    Raises:
        ValueError: no problems.
    """
    if not len(problems):
        raise ValueError("there are no problems to sample")
    several: dict[str, Any] = {"n": n} if n > 1 else {}  # not every sampler gives variations
    with ExitStack() as stack:
        recorder = None
        if trace is not None:
            writer = stack.enter_context(TraceWriter(trace, trace_header(name, family or name, task, sampler)))
            recorder = TraceRecorder(writer, lambda tokens, ids: task.grades(tokens, problems.take(ids))["correct"])
        observers = [recorder] if recorder else []
        for part in equal_parts(len(problems), len(problems) if piece is None else max(1, piece // n)):
            mine = problems.take(part)
            queries = task.queries(mine)
            queries = replace(queries, ids=queries.ids + part.start)
            repeated = mine.take(torch.arange(len(mine)).repeat_interleave(n)) if n > 1 else mine
            begin, recording = time.perf_counter(), recorder.seconds if recorder else 0.0
            result = sampler.sample(queries, **several, seed=seed, slots=slots, observers=observers)
            seconds = time.perf_counter() - begin
            grades = task.grades(result.answers, repeated)
            if recorder is not None:
                seconds -= recorder.seconds - recording
                recorder.finish(queries, result, grades, task.difficulty(repeated), task.targets(repeated))
            yield Sampled(queries, result, grades, seconds)


def trace_header(name: str, family: str, task: Task, sampler: Sampler) -> TraceHeader:
    """The metadata of a trace."""
    return TraceHeader(
        task=task.name,
        noun=task.noun,
        headline=task.headline,
        layout=task.layout,
        difficulties=task.difficulties,
        columns=task.columns,
        sampler=name,
        family=family,
        halting=sampler.halting.reason,
        explanation=sampler.halting.explanation,
    )
