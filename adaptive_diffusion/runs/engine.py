"""Where pieces of work are done: in processes of this machine, or wherever another engine sends them."""

import os
import signal
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from multiprocessing import active_children, get_context, parent_process
from threading import Thread
from typing import Any, Protocol

from adaptive_diffusion.runs.memory import keep_freed_memory

Work = Callable[[Any], Any]


class Engine(Protocol):
    """Does the same work on many pieces. What a piece gives never depends on where it was done."""

    def each(self, work: Work, pieces: Sequence[Any]) -> Iterator[tuple[int, Any]]:
        """Yields the number of a piece and its result as soon as it is finished. Work, pieces and results are pickled.

        Raises:
            OSError: where a worker died, after everything that was finished.
        """
        ...


@dataclass(frozen=True)
class Here:
    """This process, piece by piece."""

    def each(self, work: Work, pieces: Sequence[Any]) -> Iterator[tuple[int, Any]]:
        for number, piece in enumerate(pieces):
            yield number, work(piece)


@dataclass(frozen=True)
class Processes:
    """`workers` fresh processes of this machine; they end with the process that started them, however it ends."""

    workers: int = 1

    def each(self, work: Work, pieces: Sequence[Any]) -> Iterator[tuple[int, Any]]:
        if not pieces:
            return
        ours = set(active_children())
        pool = ProcessPoolExecutor(min(self.workers, len(pieces)), get_context("spawn"), initializer=init_worker)
        broken: BaseException | None = None
        try:
            numbers = {pool.submit(work, piece): number for number, piece in enumerate(pieces)}
            for done in as_completed(numbers):
                if isinstance(done.exception(), BrokenProcessPool):
                    broken = done.exception()  # what others have finished is handed on first
                else:
                    yield numbers[done], done.result()
        except BrokenProcessPool as error:  # before all pieces were handed out
            broken = error
        finally:
            pool.shutdown(wait=False, cancel_futures=True)
            for child in set(active_children()) - ours:
                child.terminate()
        if broken is not None:
            raise OSError("a worker process died, killed from outside or out of memory") from broken


def init_worker() -> None:
    """Makes this process a worker: one thread, as equal bits need it, and no life without its parent."""
    import torch

    keep_freed_memory()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; the parent ends its workers
    torch.set_num_threads(1)
    if parent := parent_process():
        Thread(target=lambda: (parent.join(), os._exit(1)), daemon=True).start()
