"""Problems are sampled piece by piece: the figures and the trace are those of one call."""

from types import SimpleNamespace

import pytest
import torch
from small_worlds import transformer

from adaptive_diffusion.analysis.metrics import measure
from adaptive_diffusion.core.trace import read_trace
from adaptive_diffusion.rules.order import Random
from adaptive_diffusion.rules.pace import Ancestral, Threshold
from adaptive_diffusion.rules.proposal import Draw
from adaptive_diffusion.runs import sampled
from adaptive_diffusion.runs.compare import compare
from adaptive_diffusion.runs.sampled import AnswerFigures, sampled_pieces
from adaptive_diffusion.sampling import Sampler, tracing
from adaptive_diffusion.tasks.sudoku import SudokuDataModule

DATA = SudokuDataModule(4, batch_size=4, test_puzzles=23)
SAMPLER = Sampler(transformer(4, 16), proposal=Draw(), pace=Threshold(0.3))


def without_times(row):
    return {name: value for name, value in row.items() if name != "seconds"}


@pytest.mark.parametrize("piece", [1, 5, 23, 1000])
def test_figures_do_not_depend_on_the_pieces(piece):
    row, answers = compare("t", SAMPLER, DATA.task, DATA.test, seed=3, piece=piece)
    expected, whole = compare("t", SAMPLER, DATA.task, DATA.test, seed=3, piece=None)
    assert without_times(row) == without_times(expected)
    assert (answers.query == whole.query).all()
    assert (answers.nfe == whole.nfe).all()
    assert (answers.quality == whole.quality).all()


def test_trace_does_not_depend_on_the_pieces(tmp_path):
    for name, piece in (("one", None), ("five", 5)):
        compare("t", SAMPLER, DATA.task, DATA.test, seed=3, slots=1, trace=tmp_path / name, piece=piece)
    one, five = read_trace(tmp_path / "one"), read_trace(tmp_path / "five")
    assert one.events.equals(five.events)
    assert one.steps.equals(five.steps)
    assert one.rows.equals(five.rows)


def test_pieces_hold_all_variations_of_their_queries():
    pieces = list(sampled_pieces("t", SAMPLER, DATA.task, DATA.test, n=3, seed=3, piece=20))
    assert [len(piece.result.query) for piece in pieces] == [18, 18, 18, 15]
    (complete,) = sampled_pieces("t", SAMPLER, DATA.task, DATA.test, n=3, seed=3, piece=None)
    assert torch.equal(torch.cat([piece.result.answers for piece in pieces]), complete.result.answers)
    assert torch.equal(torch.cat([piece.result.query for piece in pieces]), complete.result.query)


def test_what_remains_of_a_piece_does_not_hold_its_sequences():
    (found,) = sampled_pieces("t", SAMPLER, DATA.task, DATA.test)
    figures = AnswerFigures.of(found)
    assert all(column.shape == (23,) for column in (*figures.columns.values(), *figures.grades.values()))
    assert figures.written.nbytes == 23 * 16


def test_steps_and_forwards_are_both_reported(tmp_path):
    waiting = Sampler(transformer(4, 16), proposal=Draw(), order=Random(), pace=Ancestral(40))
    row, answers = compare("t", waiting, DATA.task, DATA.test, trace=tmp_path)
    assert row["nfe_mean"] == answers.nfe.mean() < row["steps_mean"] <= 40
    trace = read_trace(tmp_path)
    assert trace.steps.num_rows == round(23 * row["steps_mean"])
    assert measure("t", trace).steps == pytest.approx(row["steps_mean"])


def test_no_problems_are_refused():
    with pytest.raises(ValueError, match="no problems"):
        next(sampled_pieces("t", SAMPLER, DATA.task, DATA.test.take(slice(0, 0))))


def test_seconds_do_not_count_the_recording_of_a_trace(tmp_path, monkeypatch):
    clock = SimpleNamespace(now=0.0)
    clock.perf_counter = lambda: clock.now

    def record(self, step):
        clock.now += 100

    monkeypatch.setattr(sampled, "time", clock)
    monkeypatch.setattr(tracing, "time", clock)
    monkeypatch.setattr(tracing.TraceRecorder, "_record", record)
    row, _ = compare("t", SAMPLER, DATA.task, DATA.test, trace=tmp_path, piece=10)
    assert clock.now >= 300
    assert row["seconds"] == 0
