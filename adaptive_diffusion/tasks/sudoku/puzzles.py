"""Puzzles in columns."""

from dataclasses import dataclass, fields

import numpy as np

from adaptive_diffusion.core.rows import Rows
from adaptive_diffusion.tasks.sudoku.geometry import Geometry, geometry
from adaptive_diffusion.tasks.sudoku.solver import count_guesses


@dataclass(frozen=True)
class Puzzles(Rows):
    """N puzzles of one board.

    Attributes:
        puzzles: uint8 [N, L], digits 1..n and 0 where blank.
        solutions: uint8 [N, L], digits 1..n; zeros where no solution is known.
        guesses: int64 [N], the difficulty: guesses that a search by naked singles needs.
        clues: int64 [N], how many cells are given.
        unique: bool [N], the solution is the only one; False too where that is unknown.
        ratings: float32 [N], the difficulty by the file that the puzzle is from; NaN where there is none.
    """

    puzzles: np.ndarray
    solutions: np.ndarray
    guesses: np.ndarray
    clues: np.ndarray
    unique: np.ndarray
    ratings: np.ndarray

    def __len__(self) -> int:
        return len(self.puzzles)

    @property
    def board(self) -> Geometry:
        """The board that the puzzles are of."""
        return geometry(round(self.puzzles.shape[1] ** 0.5))

    @staticmethod
    def rated(
        board: Geometry,
        puzzles: np.ndarray,
        solutions: np.ndarray,
        unique: np.ndarray | None = None,
        ratings: np.ndarray | None = None,
    ) -> "Puzzles":
        """Puzzles whose difficulty is measured here; by default their solutions are unique, and they have no ratings
        by others."""
        return Puzzles(
            puzzles=puzzles,
            solutions=solutions,
            guesses=count_guesses(board, puzzles),
            clues=(puzzles > 0).sum(axis=1),
            unique=np.ones(len(puzzles), dtype=bool) if unique is None else unique,
            ratings=np.full(len(puzzles), np.nan, dtype=np.float32) if ratings is None else ratings,
        )

    @staticmethod
    def concatenate(parts: "list[Puzzles]") -> "Puzzles":
        """The puzzles of all parts, one part after the other."""
        columns = {item.name: np.concatenate([part.__dict__[item.name] for part in parts]) for item in fields(Puzzles)}
        return Puzzles(**columns)
