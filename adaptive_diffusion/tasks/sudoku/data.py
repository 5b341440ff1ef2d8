"""Sudoku for Lightning: an endless stream of fresh training puzzles, fixed validation and test sets."""

from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import count, islice
from typing import Any

import numpy as np
import torch
from lightning.pytorch import LightningDataModule
from torch import Tensor
from torch.utils.data import DataLoader, IterableDataset

from adaptive_diffusion.tasks.sudoku.augmentation import augment
from adaptive_diffusion.tasks.sudoku.difficulty import stratified
from adaptive_diffusion.tasks.sudoku.generator import CLUES, generate
from adaptive_diffusion.tasks.sudoku.puzzles import Puzzles
from adaptive_diffusion.tasks.sudoku.task import SudokuTask

Batch = dict[str, Tensor]
BATCHES_AHEAD = 8


def to_batch(problems: Puzzles) -> Batch:
    """``tokens`` int64 [B, L] of the solution, ``given`` bool [B, L] at clues, ``guesses`` and ``clues`` int64 [B]."""
    return {
        "tokens": torch.from_numpy(problems.solutions).long() - 1,
        "given": torch.from_numpy(problems.puzzles) > 0,
        "guesses": torch.from_numpy(problems.guesses),
        "clues": torch.from_numpy(problems.clues),
    }


@dataclass(frozen=True)
class PuzzleStream(IterableDataset):
    """Training batches without end: batch by batch, puzzles ``position``, ``position + 1``, … of the seed's list.

    Puzzle n is image n mod ``copies`` of generated puzzle n div ``copies``, a function of (seed, n) alone, so a stream
    resumes at any position. ``threads`` generate ahead, outside the interpreter lock. Of ``parts`` processes that train
    together, process ``part`` gets every ``parts``-th batch.
    """

    task: SudokuTask
    batch_size: int
    seed: int = 0
    clues: tuple[int, int] | None = None
    copies: int = 1
    threads: int = 1
    position: int = 0
    part: int = 0
    parts: int = 1

    def batch(self, position: int) -> Batch:
        """The batch that begins at a position."""
        numbers = np.arange(position, position + self.batch_size)
        first, last = numbers[0] // self.copies, numbers[-1] // self.copies
        problems = generate(self.task.board, last - first + 1, "train", self.seed, first, self.clues)
        if self.copies > 1:
            problems = augment(problems[numbers // self.copies - first], self.seed, position)
        return to_batch(problems)

    def __iter__(self) -> Iterator[Batch]:
        positions = count(self.position + self.part * self.batch_size, self.parts * self.batch_size)
        pool = ThreadPoolExecutor(self.threads, thread_name_prefix="puzzles")
        try:
            ahead = deque(pool.submit(self.batch, position) for position in islice(positions, BATCHES_AHEAD))
            while True:
                ready = ahead.popleft().result()
                ahead.append(pool.submit(self.batch, next(positions)))
                yield ready
        finally:
            pool.shutdown(wait=False, cancel_futures=True)  # whoever stops need not wait for what nobody will see


class SudokuDataModule(LightningDataModule):
    """Sudoku of one size.

    Training, validation and test never share a solution grid up to relabelling. The training stream follows ``seed``
    and resumes exactly from a checkpoint; validation and test sets follow ``evaluation_seed`` alone, so runs with
    different seeds are judged on the same puzzles.

    Args:
        size: 4, 6 or 9.
        batch_size: training puzzles a batch.
        clues: fewest and most clues, drawn uniformly; by default the size's own range.
        copies: random symmetric images drawn of each training puzzle; 1 is the puzzle itself, more is cheaper.
        threads: threads that generate ahead of training.
        validation_puzzles, test_puzzles: sizes of the fixed sets, natural mix.
        stratified_puzzles: size of the second test set, equal parts by guesses.
        evaluation_batch_size: puzzles a batch of validation and test.
    """

    def __init__(
        self,
        size: int,
        batch_size: int = 256,
        seed: int = 0,
        clues: Sequence[int] | None = None,
        copies: int = 1,
        threads: int = 1,
        validation_puzzles: int = 1000,
        test_puzzles: int = 2000,
        stratified_puzzles: int = 2000,
        evaluation_batch_size: int = 500,
        evaluation_seed: int = 0,
    ) -> None:
        super().__init__()
        for name, value in (("batch_size", batch_size), ("copies", copies), ("threads", threads)):
            if value < 1:
                raise ValueError(f"{name} must be at least 1, not {value}")
        self.task = SudokuTask(size)
        fewest, most = CLUES[size] if clues is None else clues
        self.clues = (fewest, most)
        self.batch_size, self.seed, self.copies, self.threads = batch_size, seed, copies, threads
        self.validation_puzzles, self.test_puzzles = validation_puzzles, test_puzzles
        self.stratified_puzzles = stratified_puzzles
        self.evaluation_batch_size, self.evaluation_seed = evaluation_batch_size, evaluation_seed
        self.position = 0

    @cached_property
    def validation(self) -> Puzzles:
        return generate(self.task.board, self.validation_puzzles, "validation", self.evaluation_seed, clues=self.clues)

    @cached_property
    def test(self) -> Puzzles:
        return generate(self.task.board, self.test_puzzles, "test", self.evaluation_seed, clues=self.clues)

    @cached_property
    def stratified_test(self) -> Puzzles:
        """Equal parts by guesses: 0, 1–2, 3–6, 7 and more."""
        return stratified(self.task.board, self.stratified_puzzles, "test", self.evaluation_seed, self.clues)

    def train_stream(self) -> PuzzleStream:
        """The training stream from the present position on; of several processes, this one's part of it."""
        part, parts = (self.trainer.global_rank, self.trainer.world_size) if self.trainer else (0, 1)
        whole = PuzzleStream(self.task, self.batch_size, self.seed, self.clues, self.copies, self.threads)
        return replace(whole, position=self.position, part=part, parts=parts)

    def train_dataloader(self) -> DataLoader:
        return DataLoader(self.train_stream(), batch_size=None)

    def val_dataloader(self) -> DataLoader:
        return self._fixed(self.validation)

    def test_dataloader(self) -> DataLoader:
        return self._fixed(self.test)

    def _fixed(self, problems: Puzzles) -> DataLoader:
        starts = range(0, len(problems), self.evaluation_batch_size)
        batches: Any = [to_batch(problems[first : first + self.evaluation_batch_size]) for first in starts]
        return DataLoader(batches, batch_size=None)

    def on_before_batch_transfer(self, batch: Batch, dataloader_idx: int) -> Batch:
        # Lightning fetches a batch ahead, so the stream itself cannot know which batches were trained on.
        if self.trainer is not None and self.trainer.training:
            self.position += self.trainer.world_size * len(batch["tokens"])
        return batch

    def state_dict(self) -> dict[str, int]:
        return {"position": self.position, "seed": self.seed}

    def load_state_dict(self, state_dict: dict[str, int]) -> None:
        self.position = state_dict["position"]
