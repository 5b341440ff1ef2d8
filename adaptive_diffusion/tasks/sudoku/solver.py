"""An exact solver on candidate bit masks: naked singles, then a guess at the most constrained cell.

The *guesses* of a puzzle are its difficulty: the digits assumed while the cell had another one left, over the whole
search, which also proves that no further solution exists. So they depend neither on luck nor on the names of the
digits. Hidden singles are left out on purpose: with them nearly every small puzzle needs no guess, and the measure
says nothing.
"""

from dataclasses import dataclass

import numpy as np

from adaptive_diffusion.tasks.sudoku.geometry import Geometry
from adaptive_diffusion.tasks.sudoku.kernels import GUESS_LIMIT, solve_rows


@dataclass(frozen=True)
class Solutions:
    """What the solver found for N puzzles.

    Attributes:
        grids: uint8 [N, L], the first solution; zeros where there is none.
        counts: int64 [N], the number of solutions, at most the limit; −1 where the search was given up.
        guesses: int64 [N].
    """

    grids: np.ndarray
    counts: np.ndarray
    guesses: np.ndarray


def solve(board: Geometry, puzzles: np.ndarray, limit: int = 2, guess_limit: int = GUESS_LIMIT) -> Solutions:
    """Solve puzzles [N, L] (digits, 0 where blank), counting solutions up to ``limit``: 2 tells *unique* from *not*.

    ``guess_limit`` bounds the work on a hostile puzzle.
    """
    puzzles = np.ascontiguousarray(puzzles, dtype=np.uint8)
    grids = np.zeros_like(puzzles)
    counts, guesses = np.zeros((2, len(puzzles)), dtype=np.int64)
    solve_rows(puzzles, board.size, board.peers, limit, guess_limit, grids, counts, guesses)
    return Solutions(grids, counts, guesses)
