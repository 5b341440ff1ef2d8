"""Puzzles in columns."""

from dataclasses import dataclass

import numpy as np

from adaptive_diffusion.core.rows import Rows
from adaptive_diffusion.tasks.sudoku.geometry import Geometry, geometry
from adaptive_diffusion.tasks.sudoku.solver import solve


@dataclass(frozen=True)
class Puzzles(Rows):
    """N puzzles of one board.

    Attributes:
        puzzles: uint8 [N, L], digits 1..n and 0 where blank.
        solutions: uint8 [N, L], digits 1..n.
        guesses: int64 [N], the difficulty: guesses the solver needs.
        clues: int64 [N], how many cells are given.
    """

    puzzles: np.ndarray
    solutions: np.ndarray
    guesses: np.ndarray
    clues: np.ndarray

    def __len__(self) -> int:
        return len(self.puzzles)

    @property
    def board(self) -> Geometry:
        """The board that the puzzles are of."""
        return geometry(round(self.puzzles.shape[1] ** 0.5))

    @staticmethod
    def rated(board: Geometry, puzzles: np.ndarray, solutions: np.ndarray) -> "Puzzles":
        """Puzzles with known solutions, their difficulty measured here."""
        return Puzzles(puzzles, solutions, solve(board, puzzles).guesses, (puzzles > 0).sum(axis=1))

    @staticmethod
    def concatenate(parts: "list[Puzzles]") -> "Puzzles":
        """The puzzles of all parts, one part after the other."""
        return Puzzles(
            puzzles=np.concatenate([part.puzzles for part in parts]),
            solutions=np.concatenate([part.solutions for part in parts]),
            guesses=np.concatenate([part.guesses for part in parts]),
            clues=np.concatenate([part.clues for part in parts]),
        )
