"""What is measured from a trace, and what a trace cannot tell."""

from pathlib import Path

import numpy as np
import pytest
from synthetic_traces import Row, commit, edit, header, record, revoke, simulate

from adaptive_diffusion.analysis.metrics import measure
from adaptive_diffusion.core.trace import read_trace
from adaptive_diffusion.core.trace_writer import TraceWriter
from adaptive_diffusion.evaluation.halting_metrics import CounterfactualRollouts, StoppingTable


def test_a_trace_without_targets_has_costs_and_order_only(tmp_path: Path):
    rows = [Row([-1, -1, 7], [[commit(1, 3)], [commit(0, 2)]], query=query) for query in range(3)]
    measures = measure("text", record(tmp_path, rows))
    assert measures.nfe.value == measures.steps == 2
    assert np.array_equal(measures.commit_step, [2, 1, np.nan], equal_nan=True)
    assert (measures.quality, measures.solved_by_step, measures.halt_probability, measures.correction) == (None,) * 4
    assert set(vars(measures.halting).values()) == {None}


def test_the_last_write_is_the_step_a_position_counts_by(tmp_path: Path):
    row = Row([-1, -1], [[commit(0, 1), commit(1, 1)], [revoke(0, 1)], [commit(0, 2)], [edit(1, 2)]], [2, 2])
    assert measure("x", record(tmp_path, [row])).commit_step.tolist() == [3, 4]


def test_answers_that_were_made_wrong_come_from_the_standing_tokens(tmp_path: Path):
    lingers = Row([-1], [[commit(0, 1)], [], []], [1], query=0)
    unlearns = Row([-1], [[commit(0, 1)], [edit(0, 2)], []], [1], query=1)
    measures = measure("x", record(tmp_path, [lingers, unlearns]))
    assert measures.solved_by_step is not None
    assert measures.solved_by_step.tolist() == [1, 0.5, 0.5]
    assert measures.halting.made_wrong is not None
    assert measures.halting.made_wrong.value == 0.5


def test_calibration_is_of_the_probability_at_halt(tmp_path: Path):
    sure = Row([-1], [[], [commit(0, 1)]], [1], query=0, halt_probability=[0.1, 0.9], difficulty=0)
    unsure = Row([-1], [[commit(0, 2)]], [1], query=1, halt_probability=[0.4], difficulty=1)
    measures = measure("x", record(tmp_path, [sure, unsure]))
    assert measures.halt_probability == pytest.approx([0.9, 0.4])
    assert measures.halting.auroc is not None
    assert measures.halting.auroc.value == 1
    assert measures.halting.spearman is not None
    assert (measures.halting.spearman.value, measures.halting.tie_ceiling) == (-1, 1)


def test_a_query_that_was_complete_at_its_start_is_measured(tmp_path: Path):
    measures = measure("x", record(tmp_path, [Row([1], [], [1]), Row([-1], [[commit(0, 1)]], [1], query=1)]))
    assert measures.quality is not None
    assert measures.quality.value == 1


def test_corrections_are_measured_where_something_was_revised(tmp_path: Path):
    assert measure("x", simulate(tmp_path / "a", 20, mistake=0.1, finds=0.5)).correction is not None
    assert measure("x", simulate(tmp_path / "b", 20, mistake=0.1)).correction is None


def test_an_empty_trace_is_refused(tmp_path: Path):
    TraceWriter(tmp_path).close()
    with pytest.raises(ValueError, match="the trace of x has no rows"):
        measure("x", read_trace(tmp_path))


def test_controls_are_measured_where_rows_were_recorded_past_their_halting(tmp_path: Path):
    early = Row([-1], [[commit(0, 1)]], [1], query=0)
    late = Row([-1], [[], [], [commit(0, 1)]], [1], query=1)
    trace = record(tmp_path, [early, late])
    assert measure("x", trace).controls is None
    table = StoppingTable(np.array([[1.0, 1, 1], [0, 1, 1]]), np.array([[1.0, 2, 3], [1, 2, 3]]))
    controls = measure("x", trace, CounterfactualRollouts(np.array([0, 1]), table)).controls
    assert controls is not None
    assert (controls.nfe, controls.oracle_nfe) == (2, 1.5)
    assert controls.regret.value == pytest.approx(2 / 1.5 - 1)
    assert controls.overthinking.value == 0
    assert controls.gains["gain_over_fixed"].value == 0
    assert controls.gains["gain_over_random"].value == pytest.approx(1 - 3 / 4)


def test_correct_answers_are_those_of_the_task_and_not_those_of_the_reference(tmp_path: Path):
    rows = [Row([-1], [[commit(0, 1)]], [2], query=query, valid=True) for query in range(3)]
    measures = measure("x", record(tmp_path, rows))
    assert measures.quality is not None
    assert measures.quality.value == 1
    assert measures.rows["exact"].to_pylist() == [False] * 3


def test_score_is_the_quality_of_a_task_whose_headline_it_is(tmp_path: Path):
    with TraceWriter(tmp_path, header(headline="score")) as writer:
        two, zeros = np.arange(2), np.zeros(2, int)
        fixed = {
            "length": zeros + 1,
            "nfe": zeros + 1,
            "token_forwards": zeros + 1,
            "revisions": zeros,
            "rewrites": zeros,
        }
        texts = {"halt_reason": ["all_committed"] * 2, "halt_sentence": [""] * 2}
        known = {"correct": two == 0, "score": np.array([1.0, 0.5])}
        tokens = zeros[:, None]
        writer.append_rows(query=two, variation=zeros, **fixed, **texts, **known, answer=tokens, start=tokens)
    measures = measure("x", read_trace(tmp_path))
    assert measures.quality is not None
    assert measures.quality.value == 0.75


def test_a_rule_stops_early_where_queries_end_after_different_numbers_of_steps(tmp_path: Path):
    one = Row([-1], [[commit(0, 1)]], [1], query=0, halt_reason="sure")
    other = Row([-1], [[], [commit(0, 1)]], [1], query=1, halt_reason="sure")
    assert measure("x", record(tmp_path, [one, other])).stops_early
    assert not measure("x", record(tmp_path, [one])).stops_early
    one.halt_reason = other.halt_reason = "step_limit"
    assert not measure("x", record(tmp_path, [one, other])).stops_early
