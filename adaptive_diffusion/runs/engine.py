"""Engines: they run pieces of work in this process, in several processes, or elsewhere (`plugins.ray_engine`)."""

import os
import signal
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from multiprocessing import active_children, get_context, parent_process
from threading import Thread
from typing import Any, Protocol

from adaptive_diffusion.runs.memory import keep_freed_memory

Work = Callable[[Any], Any]


class Engine(Protocol):
    """Runs one function on many pieces. The result of a piece does not depend on the engine."""

    def each(self, work: Work, pieces: Sequence[Any]) -> Iterator[tuple[int, Any]]:
        """Yields each piece's number and result as soon as it is finished. Work, pieces and results are pickled.

        Raises:
            OSError: if a worker died; all finished results are yielded first.
        """
        ...


@dataclass(frozen=True)
class Here:
    """Runs the pieces in this process, one after the other."""

    def each(self, work: Work, pieces: Sequence[Any]) -> Iterator[tuple[int, Any]]:
        for number, piece in enumerate(pieces):
            yield number, work(piece)


@dataclass(frozen=True)
class Processes:
    """Runs the pieces in `workers` new processes, which end when the process that started them ends for any reason."""

    workers: int = 1

    def each(self, work: Work, pieces: Sequence[Any]) -> Iterator[tuple[int, Any]]:
        if not pieces:
            return
        ours = set(active_children())
        pool = ProcessPoolExecutor(min(self.workers, len(pieces)), get_context("spawn"), initializer=init_worker)
        broken: BaseException | None = None
        numbers: dict[Future[Any], int] = {}
        try:
            try:
                for number, piece in enumerate(pieces):
                    numbers[pool.submit(work, piece)] = number
            except BrokenProcessPool as error:  # a worker died before all pieces were submitted
                broken = error
            for done in as_completed(numbers):
                if isinstance(done.exception(), BrokenProcessPool):
                    broken = done.exception()  # the finished results of others are yielded first
                else:
                    yield numbers[done], done.result()
        finally:
            pool.shutdown(wait=False, cancel_futures=True)
            for child in set(active_children()) - ours:
                child.terminate()
        if broken is not None:
            raise OSError("a worker process died, killed from outside or out of memory") from broken


def init_worker() -> None:
    """Makes this process a worker: one thread, for equal bits, and it ends when its parent ends."""
    import torch

    keep_freed_memory()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; the parent ends its workers
    torch.set_num_threads(1)
    if parent := parent_process():
        Thread(target=lambda: (parent.join(), os._exit(1)), daemon=True).start()
