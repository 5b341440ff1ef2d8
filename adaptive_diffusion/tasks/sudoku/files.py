"""Sudoku from files: training on the puzzles of one, evaluation on others of it or on those of a second."""

from collections.abc import Sequence
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch

from adaptive_diffusion.tasks.data import TaskData, at_least_one
from adaptive_diffusion.tasks.splits import index_of
from adaptive_diffusion.tasks.sudoku.augmentation import augment
from adaptive_diffusion.tasks.sudoku.puzzles import Puzzles
from adaptive_diffusion.tasks.sudoku.split import BY_RELABELLING, SplitRule
from adaptive_diffusion.tasks.sudoku.task import SudokuTask
from adaptive_diffusion.tasks.task import QueryFile

SETTING = "task.skip_bad=true"


class SudokuFileData(TaskData):
    """Sudoku puzzles of files, in any format of `docs/puzzle_files.md`; ratings in them become the difficulty `rating`.

    Training puzzle n is a random symmetric image of a puzzle of the file: each puzzle once in every pass, in an order
    and with images that the seed decides. Validation and test puzzles stand as in the file.

    Args:
        size: 4, 6 or 9.
        path: of the file of training puzzles; `splits` holds out about a tenth of its grids for validation and, where
            there is no `test_path`, another for the test.
        test_path: of a file of test puzzles. They are not compared with the training puzzles; `check` counts those
            whose grid is a training grid with other names of digits.
        batch_size: training puzzles of a batch.
        seed: keys order and images of the training puzzles.
        threads: threads that make training puzzles ahead.
        validation_puzzles, test_puzzles: most puzzles of the fixed sets, drawn from what is held out.
        evaluation_batch_size: puzzles of a batch of validation and test.
        evaluation_seed: keys the draw of the fixed sets.
        splits: which grids are held out.
        skip_bad: go on without puzzles that cannot be read.

    Raises:
        ValueError: no path, a size below 1, or a board that does not exist.
    """

    task: SudokuTask

    def __init__(
        self,
        size: int,
        path: str | None,
        test_path: str | None = None,
        batch_size: int = 256,
        seed: int = 0,
        threads: int = 1,
        validation_puzzles: int = 1000,
        test_puzzles: int = 2000,
        evaluation_batch_size: int = 500,
        evaluation_seed: int = 0,
        splits: SplitRule = BY_RELABELLING,
        skip_bad: bool = False,
    ) -> None:
        super().__init__(batch_size, seed, evaluation_seed, evaluation_batch_size, threads)
        at_least_one(validation_puzzles=validation_puzzles, test_puzzles=test_puzzles)
        if path is None:
            raise ValueError("there is no file of puzzles to train on; set task.path")
        self.task, self.splits, self.skip_bad = SudokuTask(size), splits, skip_bad
        self.path, self.test_path = Path(path), None if test_path is None else Path(test_path)
        self.sizes = {"validation": validation_puzzles, "test": test_puzzles}

    @cached_property
    def file(self) -> QueryFile:
        """The puzzles of `path`."""
        return self.task.read(self.path, self.skip_bad, SETTING)

    @cached_property
    def test_file(self) -> QueryFile | None:
        """The puzzles of `test_path`; None where there is none."""
        return None if self.test_path is None else self.task.read(self.test_path, self.skip_bad, SETTING)

    @cached_property
    def training_puzzles(self) -> Puzzles:
        """The puzzles that are trained on, as they stand in the file.

        Raises:
            ValueError: a file without one.
        """
        found = self._of(["train"] if self.test_path is None else ["train", "test"])
        found = found.take(torch.from_numpy((found.solutions > 0).all(1)).nonzero()[:, 0])
        if not len(found):
            raise ValueError(f"{self.path} has no puzzle with a known solution to train on; give a file with more")
        return found

    def training(self, position: int, count: int) -> Puzzles:
        numbers, total = np.arange(position, position + count), len(self.training_puzzles)
        passes = numbers // total
        order = {each: np.random.default_rng([self.seed, each]).permutation(total) for each in np.unique(passes)}
        chosen = [order[each][number % total] for each, number in zip(passes, numbers, strict=True)]
        return augment(self.training_puzzles.take(torch.tensor(chosen)), self.seed, position, self.splits)

    def held_out(self, split: Literal["validation", "test"]) -> Puzzles:
        found = self.test_file.problems if split == "test" and self.test_file else self._of([split])
        if not len(found):
            raise ValueError(f"{self.path} has no puzzle for {split}; give a file with more, or task.test_path")
        chosen = np.random.default_rng(self.evaluation_seed).permutation(len(found))[: self.sizes[split]]
        return found.take(torch.from_numpy(np.sort(chosen)))

    def check(self) -> tuple[str, ...]:
        notes = [f"{self.path}: {sentence}" for sentence in (*self.file.notes, *self.file.skipped)]
        if self.test_file is not None:
            notes += [f"{self.test_path}: {sentence}" for sentence in (*self.test_file.notes, *self.test_file.skipped)]
        shared = _forms(self.test, self.splits) & _forms(self.training_puzzles, self.splits)
        if shared:
            notes.append(f"{len(shared)} grids of the test puzzles are training grids by {self.splits}")
        return tuple(notes)

    def facts(self) -> dict[str, Any]:
        puzzles = {"training": self.training_puzzles, "validation": self.validation, "test": self.test}
        hashes = {name: sha256(rows.puzzles.tobytes()).hexdigest() for name, rows in puzzles.items()}
        return {name: {"puzzles": len(rows), "sha256": hashes[name]} for name, rows in puzzles.items()}

    def _of(self, splits: Sequence[str]) -> Puzzles:
        """The puzzles of `path` whose grids are of one of some splits."""
        problems = self.file.problems
        parts = self.splits.splits_of(self.task.board, problems.solutions)
        return problems.take(torch.from_numpy(np.flatnonzero(np.isin(parts, [index_of(split) for split in splits]))))


def _forms(puzzles: Puzzles, splits: SplitRule) -> set[bytes]:
    return {form.tobytes() for form in splits.forms(puzzles.board, puzzles.solutions)}
