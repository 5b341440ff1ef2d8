"""Work in processes: results that were finished before a worker died are not lost."""

import os
import signal
from multiprocessing import active_children, get_context

import pytest

from adaptive_diffusion.runs import engine
from adaptive_diffusion.runs.engine import Here, Processes


def double(piece: int) -> int:
    if piece == 3:
        os.kill(os.getpid(), signal.SIGKILL)
    return 2 * piece


@pytest.fixture
def forked(monkeypatch):
    """Forked workers, which start faster than spawned ones."""

    monkeypatch.setattr(engine, "get_context", lambda method: get_context("fork"))


def test_finished_results_are_yielded_before_the_error_of_a_killed_worker(forked):
    found = {}

    def collect():
        for number, result in Processes(1).each(double, [1, 2, 3, 4]):
            found[number] = result  # noqa: PERF403 (the results before the error count)

    with pytest.raises(OSError, match="a worker process died, killed from outside or out of memory"):
        collect()
    assert found == {0: 2, 1: 4}


class AfterDeath(list):
    """Pieces the last of which is submitted only after the worker has died."""

    def __iter__(self):
        *first, last = super().__iter__()
        yield from first
        for child in active_children():
            child.join()
        yield last


def test_results_are_yielded_when_a_worker_dies_before_all_pieces_are_submitted(forked):
    results = Processes(1).each(double, AfterDeath([1, 3, 2]))
    assert next(results) == (0, 2)
    with pytest.raises(OSError, match="a worker process died"):
        next(results)


def test_results_have_the_numbers_of_their_pieces(forked):
    assert dict(Processes(2).each(double, [5, 6, 7])) == dict(Here().each(double, [5, 6, 7])) == {0: 10, 1: 12, 2: 14}
    assert list(Processes(2).each(double, [])) == []
