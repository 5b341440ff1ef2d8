"""What became of mistakes, on histories that can be read."""

from pathlib import Path

import numpy as np
from synthetic_traces import Row, commit, edit, record, revoke

from adaptive_diffusion.core.events import OPEN
from adaptive_diffusion.evaluation.correction import CorrectionCounts, correction_counts, summarise_correction
from adaptive_diffusion.evaluation.replay import Replay


def counts(folder: Path, *rows: Row) -> CorrectionCounts:
    return correction_counts(Replay.of(record(folder, rows)))


def as_numbers(counted: CorrectionCounts) -> dict[str, int]:
    return {name: int(column.sum()) for name, column in vars(counted).items() if column.sum()}


def test_a_row_without_mistakes_counts_nothing(tmp_path: Path):
    assert as_numbers(counts(tmp_path, Row([OPEN, 1], [[commit(0, 0)]], [0, 1]))) == {}


def test_a_mistake_taken_back_and_repaired(tmp_path: Path):
    row = Row([OPEN, 1], [[commit(0, 5)], [], [revoke(0, 5)], [commit(0, 0)]], [0, 1])
    assert as_numbers(counts(tmp_path, row)) == {
        "wrong_writes": 1,
        "revisions": 1,
        "found": 1,
        "rewrites": 1,
        "error_to_correct": 1,
        "repair_steps": 3,
    }


def test_an_edit_takes_back_and_writes_at_once(tmp_path: Path):
    row = Row([OPEN], [[commit(0, 0)], [edit(0, 5)]], [0])
    assert as_numbers(counts(tmp_path, row)) == {
        "wrong_writes": 1,
        "revisions": 1,
        "rewrites": 1,
        "correct_to_error": 1,
    }


def test_a_mistake_that_stays_wrong_through_several_tokens_is_repaired_once(tmp_path: Path):
    row = Row([OPEN], [[commit(0, 5)], [edit(0, 6)], [revoke(0, 6)], [commit(0, 0)]], [0])
    counted = as_numbers(counts(tmp_path, row))
    assert (counted["wrong_writes"], counted["found"], counted["error_to_correct"]) == (2, 2, 1)
    assert counted["repair_steps"] == 3


def test_a_position_that_swings_back_oscillates(tmp_path: Path):
    row = Row([OPEN], [[commit(0, 0)], [edit(0, 5)], [edit(0, 0)], [revoke(0, 0)], [commit(0, 0)]], [0])
    counted = as_numbers(counts(tmp_path, row))
    assert (counted["rewrites"], counted["returns"]) == (3, 2)
    assert (counted["error_to_correct"], counted["correct_to_error"]) == (1, 1)


def test_a_planted_mistake_starts_at_step_0(tmp_path: Path):
    row = Row([5, 1], [[], [revoke(0, 5)], [commit(0, 0)]], [0, 1])
    assert as_numbers(counts(tmp_path, row))["repair_steps"] == 3


def test_a_wrong_token_that_is_never_remasked_lowers_recall_only(tmp_path: Path):
    found = Row([OPEN], [[commit(0, 5)], [edit(0, 0)]], [0], query=0)
    missed = Row([OPEN], [[commit(0, 5)]], [0], query=1)
    counted = counts(tmp_path, found, missed)
    assert counted.found.tolist() == [1, 0]
    summary = summarise_correction(counted, resamples=50)
    assert (summary.precision.value, summary.recall.value) == (1, 0.5)
    assert (summary.revisions_per_query.value, summary.steps_to_repair.value) == (0.5, 1)
    assert summary.oscillation.value == 0


def test_without_revisions_precision_is_not_defined(tmp_path: Path):
    summary = summarise_correction(counts(tmp_path, Row([OPEN], [[commit(0, 0)]], [0])), resamples=50)
    undefined = [name for name, interval in summary.values().items() if np.isnan(interval.value)]
    assert undefined == ["precision", "recall", "steps_to_repair", "oscillation"]
