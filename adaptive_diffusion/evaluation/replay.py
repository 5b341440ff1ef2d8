"""A trace replayed: which token stood where before and after each event, and when the answer was correct."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pyarrow as pa

from adaptive_diffusion.core.events import EVENT_NAMES, OPEN, Event
from adaptive_diffusion.core.trace import Trace

_PADDING = -2


@dataclass(frozen=True)
class Replay:
    """The events of a trace as arrays [E], sorted by row, position and time; rows are numbered as in `trace.rows`.

    `before` and `after` hold the token at the event's position, `OPEN` where there is none. `start`, `answer` and
    `target` are [R, L], padded with −2; `target` is None where some row has none. `steps` [R] is each row's last step,
    `halt_probability` [R, T] what its halting rule gave after each step, NaN where it gave none. `correct` bool [R, T]
    is whether the tokens that stand after step t (column t − 1) are a correct answer, by the task's own check; an
    answer with open positions is not, the last step holds on, and it is None where the task could not decide.
    """

    row: np.ndarray
    step: np.ndarray
    position: np.ndarray
    event: np.ndarray
    before: np.ndarray
    after: np.ndarray
    confidence: np.ndarray
    start: np.ndarray
    answer: np.ndarray
    target: np.ndarray | None
    steps: np.ndarray
    halt_probability: np.ndarray
    correct: np.ndarray | None

    @classmethod
    def of(cls, trace: Trace) -> "Replay":
        """Raises `ValueError` where events or steps belong to no row, or a position lies outside its row."""
        rows = trace.rows
        row_of = _RowIndex(rows)
        events = {name: trace.events[name].to_numpy() for name in ("step", "position", "token", "confidence")}
        row, event = row_of(trace.events), _codes(trace.events["event"])
        start = _padded(rows["start"])
        length = rows["length"].to_numpy()
        if not ((events["position"] >= 0) & (events["position"] < length[row])).all():
            raise ValueError("the trace has events outside their rows")
        order = np.lexsort((events["step"], events["position"], row))
        row, event = row[order], event[order]
        step, position, token, confidence = (column[order] for column in events.values())
        after = np.where(event == Event.REMASK, OPEN, token)
        first = np.r_[True, (row[1:] != row[:-1]) | (position[1:] != position[:-1])] if len(row) else np.zeros(0, bool)
        before = np.where(first, start[row, position], np.r_[OPEN, after[:-1]] if len(row) else after)
        steps, halt_probability, correct = _by_step(trace.steps, row_of, rows["correct"])
        return cls(
            *(row, step, position, event, before, after, confidence),
            *(start, _padded(rows["answer"]), None if rows["target"].null_count else _padded(rows["target"])),
            *(steps, halt_probability, correct),
        )

    @cached_property
    def end(self) -> np.ndarray:
        """The tokens [R, L] that all events together make of `start`; equal to `answer` in a consistent trace."""
        tokens = self.start.copy()
        tokens[self.row, self.position] = self.after  # events of a position lie in time, the last one stays
        return tokens

    def trajectory(self, row: int) -> np.ndarray:
        """The tokens [steps + 1, length] of a row: its start, then what stands after each of its steps."""
        states = np.tile(self.start[row][self.start[row] != _PADDING], (self.steps[row] + 1, 1))
        first, end = np.searchsorted(self.row, [row, row + 1])
        for event in range(first, end):  # events of a position lie in time
            states[self.step[event] :, self.position[event]] = self.after[event]
        return states

    def required_target(self) -> np.ndarray:
        if self.target is None:
            raise ValueError("some rows of the trace have no target, so right and wrong are not defined")
        return self.target


class _RowIndex:
    """Finds the number of a row by its query and variation."""

    def __init__(self, rows: pa.Table):
        self.rows = rows.num_rows
        self.queries = np.unique(rows["query"].to_numpy())
        self.variations = int(rows["variation"].to_numpy().max(initial=0)) + 1
        self.numbers = np.full(len(self.queries) * self.variations, -1)
        self.numbers[self._key(rows)] = np.arange(rows.num_rows)

    def __call__(self, table: pa.Table) -> np.ndarray:
        numbers = self.numbers[self._key(table)]
        if (numbers < 0).any():
            raise ValueError("the trace has events or steps of rows that it does not list")
        return numbers

    def _key(self, table: pa.Table) -> np.ndarray:
        query, variation = table["query"].to_numpy(), table["variation"].to_numpy()
        place = np.searchsorted(self.queries, query)
        known = (place < len(self.queries)) & (variation < self.variations)
        if not known.all() or not np.array_equal(self.queries[place], query):
            raise ValueError("the trace has events or steps of rows that it does not list")
        return place * self.variations + variation


def _by_step(
    steps: pa.Table, row_of: _RowIndex, answer_correct: pa.ChunkedArray
) -> tuple[np.ndarray, np.ndarray, np.ndarray | None]:
    row, step = row_of(steps), steps["step"].to_numpy()
    last = np.zeros(row_of.rows, np.int64)
    np.maximum.at(last, row, step)
    halt_probability = np.full((row_of.rows, int(last.max(initial=0))), np.nan, np.float32)
    halt_probability[row, step - 1] = steps["halt_probability"].to_numpy()
    if steps["correct"].null_count or answer_correct.null_count:
        return last, halt_probability, None
    correct = np.zeros(halt_probability.shape, bool)
    correct[row, step - 1] = steps["correct"].to_numpy()
    inside = np.arange(correct.shape[1]) < last[:, None]
    return last, halt_probability, np.where(inside, correct, answer_correct.to_numpy()[:, None])


def _codes(column: pa.ChunkedArray) -> np.ndarray:
    """Event values of a dictionary column, whatever order its shards list the names in."""
    parts = [np.zeros(0, np.int8)]
    for chunk in column.chunks:
        meaning = np.array([EVENT_NAMES.index(name) for name in chunk.dictionary.to_pylist()], np.int8)
        parts.append(meaning[chunk.indices.to_numpy()])
    return np.concatenate(parts)


def _padded(column: pa.ChunkedArray) -> np.ndarray:
    lists = column.combine_chunks()
    lengths = np.diff(lists.offsets.to_numpy()) if len(lists) else np.zeros(0, np.int64)
    tokens = np.full((len(lists), int(lengths.max(initial=0))), _PADDING, np.int32)
    tokens[np.arange(tokens.shape[1]) < lengths[:, None]] = lists.flatten().to_numpy()
    return tokens
