"""An exact solver, and a measure of difficulty; both search with bit masks of the digits still possible in each cell.

The solver follows naked singles (one digit left in a cell) and hidden singles (one cell left for a digit), then assumes
a digit at the cell with the fewest left. The difficulty is the number of guesses of the same search *without* hidden
singles: with them nearly every small puzzle needs no guess, and the measure would be the same for all.
"""

from dataclasses import dataclass

import numpy as np

from adaptive_diffusion.tasks.sudoku.geometry import Geometry
from adaptive_diffusion.tasks.sudoku.kernels import GUESS_LIMIT, search_rows

GUESSES_COUNTED = 500


@dataclass(frozen=True)
class Solutions:
    """What the solver found for N puzzles.

    Attributes:
        grids: uint8 [N, L], the first solution; zeros where no solution was found.
        counts: int64 [N], the solutions found, at most the limit.
        decided: bool [N], the search ended, so that ``counts`` is exact (or the limit was reached).
    """

    grids: np.ndarray
    counts: np.ndarray
    decided: np.ndarray


def solve(board: Geometry, puzzles: np.ndarray, limit: int = 2, guess_limit: int = GUESS_LIMIT) -> Solutions:
    """Solve puzzles [N, L] (digits, 0 where blank), counting solutions up to ``limit``: with 2, a count of 1 means that
    the solution is unique.

    A puzzle that needs more than ``guess_limit`` guesses stays undecided: 9×9 puzzles with one solution need fewer
    than 1,000, and the limit takes about a tenth of a second.
    """
    puzzles = np.ascontiguousarray(puzzles, dtype=np.uint8)
    grids = np.zeros_like(puzzles)
    counts, guesses = np.zeros((2, len(puzzles)), dtype=np.int64)
    search_rows(puzzles, board.size, board.peers, board.units, limit, guess_limit, grids, counts, guesses)
    return Solutions(grids, counts, guesses <= guess_limit)


def count_guesses(board: Geometry, puzzles: np.ndarray) -> np.ndarray:
    """The difficulty of puzzles [N, L], int64 [N]: guesses that a search by naked singles needs to find the solution
    and to prove that it is the only one; ``GUESSES_COUNTED`` stands for that many or more.

    A guess is a digit assumed while its cell had another one left, over the full search tree, so the number depends
    neither on luck nor on the names of the digits. The bound is for files of puzzles with 17 clues: they need thousands
    of guesses on average, some a million.
    """
    puzzles = np.ascontiguousarray(puzzles, dtype=np.uint8)
    counts, guesses = np.zeros((2, len(puzzles)), dtype=np.int64)
    naked_singles_only = board.units[:0]
    bound, grids = GUESSES_COUNTED - 1, np.zeros_like(puzzles)
    search_rows(puzzles, board.size, board.peers, naked_singles_only, 2, bound, grids, counts, guesses)
    return guesses
