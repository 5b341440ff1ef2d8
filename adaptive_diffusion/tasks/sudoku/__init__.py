"""Sudoku: boards, a solver, generated puzzles in splits that share no grid, readers and a verifier."""

from adaptive_diffusion.tasks.sudoku.data import SudokuDataModule
from adaptive_diffusion.tasks.sudoku.files import SudokuFileData
from adaptive_diffusion.tasks.sudoku.puzzles import Puzzles
from adaptive_diffusion.tasks.sudoku.split import RelabellingSplit, SymmetryClassSplit
from adaptive_diffusion.tasks.sudoku.task import SudokuTask, to_queries

__all__ = [
    "Puzzles",
    "RelabellingSplit",
    "SudokuDataModule",
    "SudokuFileData",
    "SudokuTask",
    "SymmetryClassSplit",
    "to_queries",
]
