"""A trace played again gives the answer it was recorded with."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from synthetic_traces import Row, commit, edit, record, revoke

from adaptive_diffusion.core.events import OPEN, Event
from adaptive_diffusion.core.trace import read_trace
from adaptive_diffusion.core.trace_writer import TraceWriter
from adaptive_diffusion.evaluation.replay import Replay

CORRECTED = Row([OPEN, 5, OPEN], [[commit(0, 3), commit(2, 6)], [revoke(0, 3)], [commit(0, 4), edit(2, 7)]], [4, 5, 7])


def test_events_have_a_before_and_an_after(tmp_path: Path):
    replay = Replay.of(record(tmp_path, [CORRECTED]))
    assert replay.position.tolist() == [0, 0, 0, 2, 2]
    assert replay.before.tolist() == [OPEN, 3, OPEN, OPEN, 6]
    assert replay.after.tolist() == [3, OPEN, 4, 6, 7]
    assert replay.event.tolist() == [Event.COMMIT, Event.REMASK, Event.COMMIT, Event.COMMIT, Event.REPLACE]


def test_row_is_correct_while_all_of_it_is_and_its_last_step_holds_on(tmp_path: Path):
    rows = [
        CORRECTED,
        Row([1, OPEN], [[commit(1, 2)], [edit(1, 3)], [], [edit(1, 2)]], [1, 2], query=1),
        Row([1, 2], [[]], [1, 2], query=2),
        Row([9, 2], [[]], [1, 2], query=3),
    ]
    replay = Replay.of(record(tmp_path, rows))
    assert replay.steps.tolist() == [3, 4, 1, 1]
    assert replay.correct.astype(int).tolist() == [[0, 0, 1, 1], [1, 0, 0, 1], [1, 1, 1, 1], [0, 0, 0, 0]]


@st.composite
def histories(draw: st.DrawFn) -> list[Row]:
    rows = []
    for query in range(draw(st.integers(1, 4))):
        tokens = draw(st.lists(st.sampled_from([OPEN, 0, 1]), min_size=1, max_size=4))
        start, steps = list(tokens), []
        for _ in range(draw(st.integers(1, 5))):
            happenings = []
            for position in draw(st.lists(st.integers(0, len(tokens) - 1), unique=True)):
                old, new = tokens[position], draw(st.integers(0, 2))
                take_back = old != OPEN and draw(st.booleans())
                write = commit if old == OPEN else edit
                happenings.append(revoke(position, old) if take_back else write(position, new))
                tokens[position] = OPEN if take_back else new
            steps.append(happenings)
        target = draw(st.lists(st.integers(0, 1), min_size=len(tokens), max_size=len(tokens)))
        rows.append(Row(start, steps, target, query=query // 2, variation=query % 2))
    return rows


@given(histories())
def test_events_applied_to_the_start_give_the_answer(tmp_path_factory: pytest.TempPathFactory, rows: list[Row]):
    trace = record(tmp_path_factory.mktemp("trace"), rows, shard_rows=3)
    replay = Replay.of(trace)
    assert np.array_equal(replay.end, replay.answer)
    for at, row in enumerate(trace.rows.to_pylist()):
        states = replay.trajectory(at)
        assert len(states) == replay.steps[at] + 1
        assert (states[0].tolist(), states[-1].tolist()) == (row["start"], row["answer"])
    assert replay.correct is not None
    assert replay.correct[:, -1].tolist() == trace.rows["correct"].to_pylist()


def test_events_of_a_row_that_is_not_listed_are_refused(tmp_path: Path):
    one, zero = np.array([1]), np.array([0])
    with TraceWriter(tmp_path) as writer:
        writer.append_events(query=one, variation=zero, step=one, position=zero, token=one, event=zero, confidence=one)
        writer.append_steps(query=one, variation=zero, step=one, open=zero)
    with pytest.raises(ValueError, match="rows that it does not list"):
        Replay.of(read_trace(tmp_path))


def test_without_a_check_and_a_target_right_and_wrong_are_not_defined(tmp_path: Path):
    replay = Replay.of(record(tmp_path, [Row([OPEN], [[commit(0, 1)]])]))
    assert replay.correct is None
    with pytest.raises(ValueError, match="have no target"):
        replay.required_target()
