"""Training, validation and test: which one a solution grid belongs to.

A grid's split is a hash of its canonical form up to relabelling, the grid whose first row reads 1..n: 80% of the
grids are for training, 10% each for validation and test. So grids that differ only in the names of their digits are
always in the same split, without a stored list of grids.
"""

import numpy as np

from adaptive_diffusion.tasks.sudoku.geometry import Geometry
from adaptive_diffusion.tasks.sudoku.kernels import INCREMENT, mix

SPLITS = ("train", "validation", "test")
STARTS = (80, 90)  # per cent of the hash values: where validation and test begin
# Chosen so that the twelve 4×4 grids (up to relabelling) fall into all three splits.
SALT = 3


def index_of(split: str) -> int:
    """The number of a split's name; raises ``ValueError`` for an unknown name."""
    if split not in SPLITS:
        raise ValueError(f"no split called {split!r}; choose one of {', '.join(SPLITS)}")
    return SPLITS.index(split)


def split_of(board: Geometry, solutions: np.ndarray) -> np.ndarray:
    """The split of every solution grid [N, L] (digits 1..n), as an index into ``SPLITS``, int64 [N]."""
    labels = np.argsort(solutions[:, : board.size], axis=1)
    relabelled = np.take_along_axis(labels, solutions.astype(np.int64) - 1, axis=1)
    words = np.full(len(solutions), SALT, dtype=np.uint64)
    for cell in relabelled.T[board.size :].astype(np.uint64):
        words = mix(words + INCREMENT + cell)
    return np.searchsorted(STARTS, (words % np.uint64(100)).astype(np.int64), side="right")
