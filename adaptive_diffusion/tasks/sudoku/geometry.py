"""The board: how cells form rows, columns and boxes."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np


@dataclass(frozen=True)
class Geometry:
    """A Sudoku board whose boxes have ``rows_per_box`` rows and ``cols_per_box`` columns.

    ``size`` n = rows_per_box · cols_per_box is the number of digits, rows, columns and boxes; a grid is a row-major
    vector of ``length`` L = n² cells holding digits 1..n, and 0 where a puzzle is blank.
    """

    rows_per_box: int
    cols_per_box: int

    @property
    def size(self) -> int:
        return self.rows_per_box * self.cols_per_box

    @property
    def length(self) -> int:
        return self.size**2

    @cached_property
    def coordinates(self) -> np.ndarray:
        """Row, column and box of every cell, int64 [L, 3], each from 0 to n − 1."""
        row, column = np.divmod(np.arange(self.length), self.size)
        boxes_per_band = self.size // self.cols_per_box
        box = row // self.rows_per_box * boxes_per_band + column // self.cols_per_box
        return np.stack([row, column, box], axis=1)

    @cached_property
    def units(self) -> np.ndarray:
        """The cells of every row, then of every column, then of every box, int64 [3n, n]."""
        return np.concatenate([np.argsort(unit, kind="stable").reshape(-1, self.size) for unit in self.coordinates.T])

    @cached_property
    def peers(self) -> np.ndarray:
        """The other cells that share a row, column or box with each cell, int64 [L, P]."""
        shares = (self.coordinates[:, None, :] == self.coordinates[None, :, :]).any(axis=2)
        np.fill_diagonal(shares, False)
        return np.nonzero(shares)[1].reshape(self.length, -1)


BOARDS = {4: Geometry(2, 2), 6: Geometry(2, 3), 9: Geometry(3, 3)}


def geometry(size: int) -> Geometry:
    """The board of ``size`` digits: 4 (2×2 boxes), 6 (2 rows by 3 columns) or 9 (3×3).

    Raises ``ValueError`` for any other size.
    """
    if size not in BOARDS:
        raise ValueError(f"no Sudoku board of size {size}; choose one of {sorted(BOARDS)}")
    return BOARDS[size]
