"""Puzzles with a unique solution: a random grid, clues removed in random order while the solution stays unique."""

import numpy as np

from adaptive_diffusion.tasks.random_streams import start_rows
from adaptive_diffusion.tasks.splits import index_of
from adaptive_diffusion.tasks.sudoku.geometry import Geometry
from adaptive_diffusion.tasks.sudoku.kernels import draw_grids, remove_clues
from adaptive_diffusion.tasks.sudoku.puzzles import Puzzles
from adaptive_diffusion.tasks.sudoku.split import BY_RELABELLING, SplitRule

MOST_DRAWS = 10_000
# How many clues to stop at, drawn uniformly: hardly any puzzle stays unique below the first number.
CLUES = {4: (4, 10), 6: (6, 20), 9: (22, 45)}


def generate(
    board: Geometry,
    count: int,
    split: str = "train",
    seed: int = 0,
    first: int = 0,
    clues: tuple[int, int] | None = None,
    splits: SplitRule = BY_RELABELLING,
) -> Puzzles:
    """Puzzles ``first`` to ``first + count − 1`` of the endless list that (board, split, seed, clues, splits) names.

    Each has one solution, whose grid is of ``split`` by the rule ``splits``, and a number of clues drawn uniformly from
    ``clues`` (both ends included; by default ``CLUES``), or more where no further clue could go. Puzzle n is the same
    whatever the range it is generated in. Runs outside the interpreter lock, so threads generate in parallel.

    Raises ``ValueError`` for an unknown split, a negative seed or range, clues outside 0..L, or a rule by which hardly
    any grid of the board is of the split.
    """
    fewest, most = CLUES[board.size] if clues is None else clues
    if not 0 <= fewest <= most <= board.length:
        raise ValueError(f"clues must be two numbers with 0 <= fewest <= most <= {board.length}, not {fewest}, {most}")
    if min(count, seed, first) < 0:
        raise ValueError(f"count, seed and first must not be negative; got {count}, {seed}, {first}")
    states = np.empty(count, dtype=np.uint64)
    solutions = np.zeros((count, board.length), dtype=np.uint8)
    start_rows(seed, index_of(split), first, states)
    pending = np.arange(count)
    for _ in range(MOST_DRAWS):
        draw_grids(states, pending, board.size, board.peers, solutions)
        pending = pending[splits.splits_of(board, solutions[pending]) != index_of(split)]
        if not len(pending):
            break
    else:
        raise ValueError(f"{splits} found no grid for {split} among {MOST_DRAWS} of size {board.size}×{board.size}")
    puzzles = solutions.copy()
    remove_clues(states, fewest, most, board.size, board.peers, board.units, puzzles)
    return Puzzles.rated(board, puzzles, solutions)
