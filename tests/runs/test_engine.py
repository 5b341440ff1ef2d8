"""Work in processes: a worker that dies takes down no other's results."""

import os
import signal

import pytest

from adaptive_diffusion.runs import engine
from adaptive_diffusion.runs.engine import Here, Processes


def double(piece: int) -> int:
    if piece == 3:
        os.kill(os.getpid(), signal.SIGKILL)
    return 2 * piece


@pytest.fixture
def forked(monkeypatch):
    """Workers of fork, which cost nothing; they are as mortal as those that are spawned."""
    from multiprocessing import get_context

    monkeypatch.setattr(engine, "get_context", lambda method: get_context("fork"))


def test_a_worker_that_is_killed_is_a_sentence_and_what_was_finished_was_handed_on(forked):
    found = {}

    def collect():
        for number, result in Processes(1).each(double, [1, 2, 3, 4]):
            found[number] = result  # noqa: PERF403 (what came before the error is what counts)

    with pytest.raises(OSError, match="a worker process died, killed from outside or out of memory"):
        collect()
    assert found == {0: 2, 1: 4}


def test_pieces_keep_their_numbers(forked):
    assert dict(Processes(2).each(double, [5, 6, 7])) == dict(Here().each(double, [5, 6, 7])) == {0: 10, 1: 12, 2: 14}
    assert list(Processes(2).each(double, [])) == []
