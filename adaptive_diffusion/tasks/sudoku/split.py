"""Training, validation and test: which one a solution grid belongs to.

A grid's split is a hash of its canonical form up to relabelling, the grid whose first row reads 1..n: 80% of the
grids are for training, 10% each for validation and test. So grids that differ only in the names of their digits are
always in the same split, without any list of grids to keep.
"""

import numpy as np

from adaptive_diffusion.tasks.sudoku.geometry import Geometry
from adaptive_diffusion.tasks.sudoku.kernels import split_indices

SPLITS = ("train", "validation", "test")


def index_of(split: str) -> int:
    """The number of a split's name; raises ``ValueError`` for a name that is none."""
    if split not in SPLITS:
        raise ValueError(f"no split called {split!r}; choose one of {', '.join(SPLITS)}")
    return SPLITS.index(split)


def split_of(board: Geometry, solutions: np.ndarray) -> np.ndarray:
    """The split of every solution grid [N, L] (digits 1..n), as an index into ``SPLITS``, int64 [N]."""
    solutions = np.ascontiguousarray(solutions, dtype=np.uint8)
    indices = np.zeros(len(solutions), dtype=np.int64)
    split_indices(solutions, board.size, indices)
    return indices
