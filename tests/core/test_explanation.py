"""A trace in words: every event, what the halting rule saw, and why it stopped."""

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest
from synthetic_traces import Row, board, commit, edit, header, record, revoke

from adaptive_diffusion.core.explanation import explain
from adaptive_diffusion.core.layout import GridLayout, TextLayout

ROW = Row(
    start=[0, -1, -1, 2],
    steps=[[commit(1, 1, 0.75), commit(2, 3, 0.5)], [revoke(2, 3, 0.25), edit(1, 0, 0.875)], [commit(2, 1)]],
    target=[0, 0, 1, 2],
    query=7,
    halt_probability=[0.125, 0.5, 0.9375],
)
EXPECTED = """\
puzzle 7, variation 0: 3 steps, 3 NFE, 2 revisions
It stopped because it ended by all_committed.
The answer is correct.

at the start
    1  ·  | ·  3

step 1: 0 open after it
  committed 2: 2 at row 1, column 2 (p 0.750); 4 at row 1, column 3 (p 0.500)
  halting: P(right) is 0.12
  it went on
    1  2+ | 4+ 3

step 2: 1 open after it
  remasked 1: 4 at row 1, column 3 (p 0.250)
  replaced 1: 2 by 1 at row 1, column 2 (p 0.875)
  halting: P(right) is 0.50
  it went on
    1  1~ | ·- 3

step 3: 0 open after it
  committed 1: 2 at row 1, column 3 (p 0.900)
  halting: P(right) is 0.94
  it stopped: it ended by all_committed
    1  1  | 2+ 3

+ committed in this step, - remasked, ~ replaced, · open"""


def trace_of(folder, *rows, **fields):
    fields = {"layout": GridLayout(1, 4, 1, 2, ("1", "2", "3", "4"))} | fields
    return record(folder, rows, described=header(**fields))


def test_every_step_of_a_query_is_explained(tmp_path):
    trace = trace_of(tmp_path, replace_query(ROW, 3), ROW, explanation="P(right) is {probability:.2f}")
    assert explain(trace, 7).splitlines() == EXPECTED.splitlines()


def replace_query(row, query):
    return Row(row.start, row.steps, row.target, query, halt_probability=row.halt_probability)


def test_rule_without_an_explanation_leaves_its_line_out(tmp_path):
    assert "halting:" not in explain(trace_of(tmp_path, ROW), 7)


def test_answer_that_nothing_decides_is_not_called_correct_or_incorrect(tmp_path):
    text = explain(trace_of(tmp_path, Row([-1], [[commit(0, 1)]])), 0)
    assert "The answer is" not in text


def test_query_that_halted_at_once_has_no_steps(tmp_path):
    assert explain(trace_of(tmp_path, Row([1, 2], []), ROW), 0).splitlines()[0] == (
        "puzzle 0, variation 0: 0 steps, 0 NFE, 0 revisions"
    )


def test_long_lists_of_events_are_cut_and_white_space_is_quoted(tmp_path):
    row = Row([-1] * 20, [[commit(position, position % 2) for position in range(20)]])
    text = explain(trace_of(tmp_path, row, layout=TextLayout(("a", "\n"))), 0)
    assert "committed 20: a at position 0 (p 0.900); '\\n' at position 1 (p 0.900); " in text
    assert text.count("(p 0.900)") == 12
    assert "; and 8 more" in text


def test_query_that_is_not_in_the_trace_is_refused(tmp_path):
    trace = trace_of(tmp_path, ROW)
    with pytest.raises(ValueError, match="no puzzle 8, variation 0; its queries are 7 to 7, its variations 0 to 0"):
        explain(trace, 8)
    with pytest.raises(ValueError, match="no puzzle 7, variation 1"):
        explain(trace, 7, 1)


@pytest.mark.parametrize("position", [-1, 4])
def test_events_outside_the_sequence_are_refused(tmp_path, position):
    trace = trace_of(tmp_path, ROW)
    index = trace.events.column_names.index("position")
    wrong = pa.array(np.full(len(trace.events), position, np.int32))
    damaged = replace(trace, events=trace.events.set_column(index, trace.events.schema.field(index), wrong))
    with pytest.raises(ValueError, match="events at positions outside the sequence"):
        explain(damaged, 7)


def test_board_of_puzzles_is_drawn_with_its_boxes(tmp_path):
    row = Row([-1] + [0] * 15, [[commit(0, 3)]])
    lines = explain(trace_of(tmp_path, row, layout=board(4)), 0).splitlines()
    assert "    4+ 1  | 1  1" in lines
    assert "    ------+------" in lines
