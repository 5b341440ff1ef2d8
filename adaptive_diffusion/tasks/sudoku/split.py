"""Training, validation and test: which one a solution grid belongs to.

A grid's split is a hash of a canonical form, so no list of grids is stored: about 80% of the forms are for training,
10% each for validation and test. Grids with the same form are always in the same split. What the form leaves out says
what is new in a test grid: by ``RelabellingSplit`` its digits are placed as in no training grid, but nearly every 6×6
test grid is a training grid with rows or columns exchanged; by ``SymmetryClassSplit`` it is not even that.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import final

import numpy as np

from adaptive_diffusion.tasks.random_streams import INCREMENT, mix
from adaptive_diffusion.tasks.splits import splits_of
from adaptive_diffusion.tasks.sudoku.canonical import canonical_forms
from adaptive_diffusion.tasks.sudoku.geometry import Geometry


class SplitRule(ABC):
    """Assigns solution grids to splits by a hash of a form that they share with the grids they must not leave.

    Attributes:
        salt: starts the hash.
        keeps_symmetries: no symmetry of the board leads from one split to another, not only no change of digits' names.
    """

    salt: int
    keeps_symmetries: bool

    @abstractmethod
    def forms(self, board: Geometry, grids: np.ndarray) -> np.ndarray:
        """The forms of grids [N, L] (digits 1..n), uint8 [N, L], with the first row 1..n.

        Raises:
            ValueError: a board with too few forms for three splits.
        """

    @final
    def splits_of(self, board: Geometry, grids: np.ndarray) -> np.ndarray:
        """The split of every grid [N, L] (digits 1..n), as an index into ``splits.SPLITS``, int64 [N]."""
        words = np.full(len(grids), self.salt, dtype=np.uint64)
        for digit in self.forms(board, grids).T[board.size :].astype(np.uint64):
            words = mix(words + INCREMENT + digit - np.uint64(1))
        return splits_of(words)


@dataclass(frozen=True)
class RelabellingSplit(SplitRule):
    """Grids that differ only in the names of their digits are in the same split."""

    salt = 3  # all three splits hold some of the twelve 4×4 grids
    keeps_symmetries = False

    def forms(self, board: Geometry, grids: np.ndarray) -> np.ndarray:
        """The grids with their digits renamed."""
        names = 1 + np.argsort(grids[:, : board.size], axis=1)
        return np.take_along_axis(names, grids.astype(np.int64) - 1, axis=1).astype(np.uint8)


BY_RELABELLING = RelabellingSplit()


@dataclass(frozen=True)
class SymmetryClassSplit(SplitRule):
    """Grids that any symmetry of the board turns into one another are in the same split: for claims about unseen grids.

    6×6 boards have 49 classes of grids, and validation and test hold five each: more puzzles add no classes.
    """

    salt = 195  # of the 49 classes of 6×6 grids 39, 5 and 5, which hold 79.4%, 10.3% and 10.3% of the grids
    keeps_symmetries = True

    def forms(self, board: Geometry, grids: np.ndarray) -> np.ndarray:
        """The least images of the grids."""
        if board.size < 6:
            raise ValueError(
                f"{board.size}×{board.size} grids are of 2 classes, too few for three splits; use RelabellingSplit, or "
                "a larger board"
            )
        return canonical_forms(board, grids)
