"""Traces without a sampler: rows written down by hand, and rows simulated so that reports have something to show."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from adaptive_diffusion.core.events import OPEN, Event
from adaptive_diffusion.core.layout import GridLayout, Layout, TextLayout
from adaptive_diffusion.core.measures import Difficulty
from adaptive_diffusion.core.trace import Trace, read_trace
from adaptive_diffusion.core.trace_header import TraceHeader
from adaptive_diffusion.core.trace_writer import TraceWriter

Happening = tuple[Event, int, int, float]
"""Event, position, token, confidence."""


MEASURES = (Difficulty("guesses", "guesses of the solver", (0, 1, 3, 7)), Difficulty("clues", "clues given"))


def header(layout: Layout | None = None, family: str = "", **fields) -> TraceHeader:
    """The header of a trace of puzzles."""
    fields = {"task": "puzzles", "noun": "puzzle", "difficulties": MEASURES} | fields
    return TraceHeader(layout=layout or TextLayout(), family=family, **fields)


def board(side: int) -> GridLayout:
    """The layout of a board with 2 rows in each box."""
    return GridLayout(side, side, 2, side // 2, tuple(str(digit) for digit in range(1, side + 1)))


def commit(position: int, token: int, confidence: float = 0.9) -> Happening:
    return (Event.COMMIT, position, token, confidence)


def revoke(position: int, token: int, confidence: float = 0.1) -> Happening:
    return (Event.REMASK, position, token, confidence)


def edit(position: int, token: int, confidence: float = 0.9) -> Happening:
    return (Event.REPLACE, position, token, confidence)


@dataclass
class Row:
    """A row of a trace: its start, what happened in each step, and what is known about it."""

    start: Sequence[int]
    steps: Sequence[Sequence[Happening]]
    target: Sequence[int] | None = None
    query: int = 0
    variation: int = 0
    halt_probability: Sequence[float] | None = None
    halt_reason: str = "all_committed"
    difficulty: float | None = None
    clues: int | None = None
    valid: bool | None = None
    answer: list[int] = field(init=False)
    open: list[int] = field(init=False)
    correct: list[bool] = field(init=False)
    rewrites: int = field(init=False)

    def __post_init__(self) -> None:
        tokens, self.open, self.correct, self.rewrites, taken = list(self.start), [], [], 0, {}
        for happenings in self.steps:
            for event, position, token, _ in happenings:
                if event == Event.COMMIT:
                    self.rewrites += taken.pop(position, None) == token
                if event == Event.REMASK:
                    taken[position] = token
                tokens[position] = OPEN if event == Event.REMASK else token
            self.open.append(tokens.count(OPEN))
            self.correct.append(self.target is not None and tokens == list(self.target))
        self.answer = tokens


def record(
    folder: Path, rows: Iterable[Row], shard_rows: int = 1_000_000, described: TraceHeader | None = None
) -> Trace:
    """Writes rows as a sampler would, all rows advancing together, and reads the trace back."""
    rows = list(rows)
    with TraceWriter(folder, described or header(), shard_rows) as writer:
        for step in range(1, max((len(row.steps) for row in rows), default=0) + 1):
            alive = [row for row in rows if len(row.steps) >= step]
            happenings = [(row, *happening) for row in alive for happening in row.steps[step - 1]]
            writer.append_events(
                query=np.array([row.query for row, *_ in happenings], int),
                variation=np.array([row.variation for row, *_ in happenings], int),
                step=np.full(len(happenings), step),
                event=np.array([event for _, event, *_ in happenings], int),
                position=np.array([position for _, _, position, *_ in happenings], int),
                token=np.array([token for *_, token, _ in happenings], int),
                confidence=np.array([confidence for *_, confidence in happenings], float),
            )
            writer.append_steps(
                query=np.array([row.query for row in alive]),
                variation=np.array([row.variation for row in alive]),
                step=np.full(len(alive), step),
                open=np.array([row.open[step - 1] for row in alive]),
                halt_probability=np.array(
                    [np.nan if row.halt_probability is None else row.halt_probability[step - 1] for row in alive]
                ),
                correct=np.array([np.nan if row.target is None else row.correct[step - 1] for row in alive], float),
            )
        for row in rows:
            _finish(writer, row)
    return read_trace(folder)


def _finish(writer: TraceWriter, row: Row) -> None:
    revisions = sum(event != Event.COMMIT for happenings in row.steps for event, *_ in happenings)
    target = None if row.target is None else np.array([row.target])
    exact = None if row.target is None else np.array([row.answer == list(row.target)])
    valid = exact if row.valid is None else np.array([row.valid])
    known = {"guesses": row.difficulty, "clues": row.clues}
    writer.append_rows(
        query=np.array([row.query]),
        variation=np.array([row.variation]),
        length=np.array([len(row.start)]),
        nfe=np.array([len(row.steps)]),
        token_forwards=np.array([len(row.steps) * len(row.start)]),
        halt_reason=[row.halt_reason],
        halt_sentence=[f"it ended by {row.halt_reason}"],
        revisions=np.array([revisions]),
        rewrites=np.array([row.rewrites]),
        correct=valid,
        exact=exact,
        valid=valid,
        score=None if valid is None else valid.astype(float),
        difficulty={name: np.array([value], float) for name, value in known.items() if value is not None},
        answer=np.array([row.answer]),
        start=np.array([row.start]),
        target=target,
    )


def simulate(
    folder: Path,
    queries: int,
    *,
    per_step: float = 4.0,
    mistake: float = 0.02,
    finds: float = 0.0,
    learned: bool = False,
    side: int = 6,
    puzzles: int = 0,
    seed: int = 0,
    family: str = "",
) -> Trace:
    """Sudoku-like rows: harder puzzles commit fewer tokens a step and err more; `finds` is P(a mistake is taken back).

    The puzzles depend on `puzzles` alone, so that two samplers can be given the same.
    """
    puzzle_rng, rng = np.random.default_rng(puzzles), np.random.default_rng(seed)
    rows = [_solve(_puzzle(q, side, puzzle_rng), per_step, mistake, finds, learned, rng) for q in range(queries)]
    return record(folder, rows, described=header(board(side), family))


def _puzzle(query: int, side: int, rng: np.random.Generator) -> Row:
    box = {4: (2, 2), 6: (2, 3), 9: (3, 3)}[side]
    row, column = np.divmod(np.arange(side * side), side)
    pattern = (column + box[1] * (row % box[0]) + row // box[0]) % side
    solution = rng.permutation(side)[pattern]
    blanks = int(rng.integers(side * side // 3, side * side * 3 // 4))
    start = solution.copy()
    start[rng.permutation(side * side)[:blanks]] = OPEN
    difficulty = float(rng.choice([0, 1, 2, 3, 4, 6, 9, 14], p=[0.3, 0.2, 0.1, 0.1, 0.1, 0.1, 0.06, 0.04]))
    clues = side * side - blanks
    return Row(start.tolist(), [], solution.tolist(), query, difficulty=difficulty, clues=clues)


def _solve(puzzle: Row, per_step: float, mistake: float, finds: float, learned: bool, rng: np.random.Generator) -> Row:
    assert puzzle.target is not None
    target, tokens, steps, halting = np.array(puzzle.target), np.array(puzzle.start), [], []
    hardness = 1 + (puzzle.difficulty or 0) / 4
    while (tokens == OPEN).any() and len(steps) < 60:
        happenings = []
        for position in np.flatnonzero((tokens != OPEN) & (tokens != target)):
            if rng.random() < finds:
                happenings.append(revoke(int(position), int(tokens[position]), rng.uniform(0.02, 0.3)))
                tokens[position] = OPEN
        taken_back = {position for _, position, *_ in happenings}
        waiting = [p for p in rng.permutation(np.flatnonzero(tokens == OPEN)) if p not in taken_back]
        for position in waiting[: max(1, rng.poisson(per_step / hardness))]:
            wrong = rng.random() < mistake * hardness
            token = int((target[position] + 1) % (target.max() + 1) if wrong else target[position])
            happenings.append(commit(int(position), token, rng.uniform(0.4, 0.95) if wrong else rng.beta(9, 1)))
            tokens[position] = token
        steps.append(happenings)
        right = (tokens == target)[tokens != OPEN].mean() if (tokens != OPEN).any() else 0
        left = (tokens == OPEN).mean()
        halting.append(float(np.clip(0.97 * right**3 - left + rng.normal(0, 0.02), 0, 1)))
    if learned and rng.random() < 0.3:  # stops a step later than it could
        steps.append([])
        halting.append(halting[-1])
    return Row(
        puzzle.start,
        steps,
        puzzle.target,
        puzzle.query,
        halt_probability=halting if learned else None,
        halt_reason="learned" if learned else "all_committed",
        difficulty=puzzle.difficulty,
        clues=puzzle.clues,
        valid=bool((tokens == target).all()),
    )


def simulate_many(folder: Path, queries: int, *, per_step: float = 6.0, mistake: float = 0.02, seed: int = 0) -> None:
    """As `simulate` with learned halting on 6×6 boards, without a loop over queries; mistakes stand for two steps."""
    rng = np.random.default_rng(seed)
    length = 36
    target = rng.integers(0, 6, (queries, length))
    blanks = rng.integers(14, 27, queries)
    rank = rng.random((queries, length)).argsort(1).argsort(1)
    difficulty = rng.choice([0, 1, 2, 3, 4, 6, 9, 14], queries, p=[0.3, 0.2, 0.1, 0.1, 0.1, 0.1, 0.06, 0.04])
    pace = np.maximum(1, np.round(per_step / (1 + difficulty / 4))).astype(int)
    row, position = np.nonzero(rank < blanks[:, None])
    step = rank[row, position] // pace[row] + 1
    wrong = rng.random(len(row)) < mistake
    written = np.where(wrong, (target[row, position] + 1) % 6, target[row, position])
    again = row[wrong], position[wrong], step[wrong]
    happened = [
        (row, position, step, written, Event.COMMIT),
        (*again[:2], again[2] + 2, written[wrong], Event.REMASK),
        (*again[:2], again[2] + 3, target[again[:2]], Event.COMMIT),
    ]
    row, position, step, token = (np.concatenate([part[i] for part in happened]) for i in range(4))
    event = np.concatenate([np.full(len(part[0]), int(part[4])) for part in happened])
    exact = rng.random(queries) < 0.97
    spoiled = (rank == 0) & ~exact[:, None]
    answer = np.where(spoiled, (target + 2) % 6, target)
    token = np.where(spoiled[row, position] & (event == Event.COMMIT), answer[row, position], token)
    token = np.where(spoiled[row, position] & (event == Event.REMASK), answer[row, position], token)
    order = np.lexsort((position, row, step))
    row, position, step, token, event = (column[order] for column in (row, position, step, token, event))
    steps = np.zeros(queries, int)
    np.maximum.at(steps, row, step)
    of, at = np.nonzero(np.arange(1, steps.max() + 1) <= steps[:, None])
    with TraceWriter(folder, header(board(6))) as writer:
        writer.append_events(
            query=row,
            variation=np.zeros_like(row),
            step=step,
            position=position,
            token=token,
            event=event,
            confidence=rng.beta(9, 1, len(row)),
        )
        writer.append_steps(
            query=of,
            variation=np.zeros_like(of),
            step=at + 1,
            open=np.maximum(0, blanks[of] - pace[of] * (at + 1)),
            halt_probability=np.clip(rng.normal(0.8, 0.1, len(of)) + 0.1 * exact[of], 0, 1),
            correct=exact[of] & (at + 1 == steps[of]),
        )
        writer.append_rows(
            query=np.arange(queries),
            variation=np.zeros(queries, int),
            length=np.full(queries, length),
            nfe=steps,
            token_forwards=steps * length,
            halt_reason=["learned"] * queries,
            halt_sentence=["the head predicts that it is done"] * queries,
            revisions=np.bincount(row, weights=event == Event.REMASK, minlength=queries).astype(int),
            rewrites=np.zeros(queries, int),
            correct=exact,
            exact=exact,
            valid=exact,
            score=exact.astype(float),
            difficulty={"guesses": difficulty.astype(float), "clues": (length - blanks).astype(float)},
            answer=answer,
            start=np.where(rank < blanks[:, None], OPEN, target),
            target=target,
        )
