"""The port for data: an endless stream of training problems, and fixed sets of held-out ones."""

from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from itertools import count, islice
from typing import Any, Literal

import torch
from torch.utils.data import DataLoader, IterableDataset

from adaptive_diffusion.core.batch import Batch
from adaptive_diffusion.core.query import Queries
from adaptive_diffusion.tasks.task import Task

BATCHES_AHEAD = 8


@dataclass(frozen=True)
class TrainingStream(IterableDataset):
    """Problems for training without end: batch by batch, problems `position`, `position` + 1, … of `problems`.

    A batch depends on its position alone, so a stream resumes anywhere. `threads` make batches ahead. Of `parts`
    processes that train together, process `part` gets every `parts`-th batch.
    """

    problems: Callable[[int, int], Any]
    batch_size: int
    threads: int = 1
    position: int = 0
    part: int = 0
    parts: int = 1

    def __iter__(self) -> Iterator[Any]:
        positions = count(self.position + self.part * self.batch_size, self.parts * self.batch_size)
        pool = ThreadPoolExecutor(self.threads, thread_name_prefix="problems")

        def submit(position: int) -> Any:
            return pool.submit(self.problems, position, self.batch_size)

        try:
            ahead = deque(map(submit, islice(positions, BATCHES_AHEAD)))
            while True:
                ready = ahead.popleft().result()
                ahead.append(submit(next(positions)))
                yield ready
        finally:
            pool.shutdown(wait=False, cancel_futures=True)  # batches that will not be used need not be finished


class TaskData(ABC):
    """Training, validation and test problems of a task.

    A subclass sets `task` and implements `training` and `held_out`; streams and loaders are done here.
    `training.lightning_data.LightningData` hands the problems to a Lightning `Trainer`. That is a class of its own so
    that commands which train nothing do not import Lightning.

    Args:
        batch_size: training problems of a batch.
        seed: keys the training problems.
        evaluation_seed: keys the held-out problems, so that runs of different seeds are judged on the same ones.
        evaluation_batch_size: problems of a batch of the validation and test loaders.
        threads: threads that make training problems ahead.

    Raises:
        ValueError: a size below 1.
    """

    task: Task

    def __init__(
        self,
        batch_size: int = 256,
        seed: int = 0,
        evaluation_seed: int = 0,
        evaluation_batch_size: int = 500,
        threads: int = 1,
    ) -> None:
        at_least_one(batch_size=batch_size, evaluation_batch_size=evaluation_batch_size, threads=threads)
        self.batch_size, self.seed, self.threads = batch_size, seed, threads
        self.evaluation_batch_size, self.evaluation_seed = evaluation_batch_size, evaluation_seed

    @abstractmethod
    def training(self, position: int, count: int) -> Any:
        """Problems `position` to `position + count − 1` of an endless list that depends on the seed alone; problem n is
        the same whatever range it is made in."""

    @abstractmethod
    def held_out(self, split: Literal["validation", "test"]) -> Any:
        """The problems of a held-out split, by `evaluation_seed` alone; `validation` and `test` keep them."""

    def stratified(self) -> Any | None:
        """Test problems in equal parts by difficulty; None for a task that has no such set."""
        return None

    def facts(self) -> dict[str, Any]:
        """What the manifest of a run records about the data: hashes, sizes."""
        return {}

    def check(self) -> tuple[str, ...]:
        """What an experiment prints before its first training: what the data holds, and what cannot be measured on it.

        Raises:
            ValueError: data that cannot be trained or evaluated on.
        """
        return ()

    @cached_property
    def validation(self) -> Any:
        """The validation problems."""
        return self.held_out("validation")

    @cached_property
    def test(self) -> Any:
        """The test problems."""
        return self.held_out("test")

    @cached_property
    def stratified_test(self) -> Any | None:
        """Test problems in equal parts by difficulty; None where there are none."""
        return self.stratified()

    def batch(self, problems: Any, first_id: int = 0) -> Batch:
        """Problems as a batch to train on, its queries numbered from `first_id`.

        Raises:
            ValueError: problems without right answers.
        """
        queries, clean = self.task.queries(problems), self.task.targets(problems)
        if clean is None:
            raise ValueError(
                f"{self.task.name} gives no targets for these problems, so they can be sampled and evaluated but not "
                "trained on; implement Task.targets"
            )
        ids = torch.arange(first_id, first_id + len(clean))
        numbered = Queries(ids, queries.tokens, queries.editable, queries.drafted)
        return Batch(numbered, clean, problems, self.task.score)

    def train_stream(self, position: int = 0, part: int = 0, parts: int = 1) -> TrainingStream:
        """The training stream from problem `position` on; of `parts` processes, the batches of process `part`."""
        return TrainingStream(self.training, self.batch_size, self.threads, position, part, parts)

    def val_dataloader(self) -> DataLoader:
        """The validation problems in batches."""
        return self._fixed(self.validation)

    def test_dataloader(self) -> DataLoader:
        """The test problems in batches."""
        return self._fixed(self.test)

    def _fixed(self, problems: Any) -> DataLoader:
        size = self.evaluation_batch_size
        batches: Any = [problems.take(slice(first, first + size)) for first in range(0, len(problems), size)]
        return DataLoader(batches, batch_size=None)


def at_least_one(**sizes: int) -> None:
    """Raises `ValueError` for a size below 1, by its name."""
    for name, value in sizes.items():
        if value < 1:
            raise ValueError(f"{name} must be at least 1, not {value}")
