"""Sudoku for training and evaluation: endless training puzzles, fixed validation and test sets."""

from collections.abc import Sequence
from typing import Literal

import numpy as np
import torch

from adaptive_diffusion.core.parameters import two_numbers
from adaptive_diffusion.tasks.data import TaskData, at_least_one
from adaptive_diffusion.tasks.sudoku.augmentation import augment
from adaptive_diffusion.tasks.sudoku.difficulty import stratified
from adaptive_diffusion.tasks.sudoku.generator import CLUES, generate
from adaptive_diffusion.tasks.sudoku.puzzles import Puzzles
from adaptive_diffusion.tasks.sudoku.split import BY_RELABELLING, SplitRule
from adaptive_diffusion.tasks.sudoku.task import SudokuTask


class SudokuDataModule(TaskData):
    """Sudoku of one size.

    Training, validation and test never share a solution grid, up to what ``splits`` says. Training puzzle n is image n
    mod ``copies`` of generated puzzle n div ``copies``.

    Args:
        size: 4, 6 or 9.
        batch_size: training puzzles of a batch.
        seed: keys the training puzzles.
        clues: fewest and most clues, drawn uniformly; by default the size's own range.
        copies: random symmetric images drawn of each training puzzle; 1 is the puzzle itself, more is cheaper.
        threads: threads that generate training puzzles ahead, outside the interpreter lock.
        validation_puzzles, test_puzzles: sizes of the fixed sets, natural mix.
        stratified_puzzles: size of the second test set, equal parts by guesses; 0 leaves it out.
        evaluation_batch_size: puzzles of a batch of validation and test.
        evaluation_seed: keys the fixed sets.
        splits: which grids are held out: ``RelabellingSplit``, or ``SymmetryClassSplit`` for claims about unseen grids.

    Raises:
        ValueError: a size below 1, or a board that does not exist.
    """

    task: SudokuTask

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
        splits: SplitRule = BY_RELABELLING,
    ) -> None:
        super().__init__(batch_size, seed, evaluation_seed, evaluation_batch_size, threads)
        at_least_one(copies=copies, validation_puzzles=validation_puzzles, test_puzzles=test_puzzles)
        self.task = SudokuTask(size)
        usual = CLUES[size]
        clues, example = usual if clues is None else clues, f"[{usual[0]},{usual[1]}]"
        fewest, most = two_numbers("SudokuDataModule", "clues", clues, int, example)
        self.clues, self.copies, self.splits = (fewest, most), copies, splits
        self.sizes = {"validation": validation_puzzles, "test": test_puzzles}
        self.stratified_puzzles = stratified_puzzles

    def training(self, position: int, count: int) -> Puzzles:
        numbers = np.arange(position, position + count)
        first, last = numbers[0] // self.copies, numbers[-1] // self.copies
        problems = generate(self.task.board, last - first + 1, "train", self.seed, first, self.clues, self.splits)
        if self.copies == 1:
            return problems
        return augment(
            problems.take(torch.from_numpy(numbers // self.copies - first)), self.seed, position, self.splits
        )

    def held_out(self, split: Literal["validation", "test"]) -> Puzzles:
        count, seed = self.sizes[split], self.evaluation_seed
        return generate(self.task.board, count, split, seed, clues=self.clues, splits=self.splits)

    def stratified(self) -> Puzzles | None:
        """Equal parts by guesses: 0, 1–2, 3–6, 7 and more."""
        if not self.stratified_puzzles:
            return None
        count, seed = self.stratified_puzzles, self.evaluation_seed
        return stratified(self.task.board, count, "test", seed, self.clues, self.splits)
