"""The symmetries of the board: images of a puzzle that are puzzles with one solution again."""

from adaptive_diffusion.tasks.sudoku.kernels import augment_rows
from adaptive_diffusion.tasks.sudoku.puzzles import Puzzles


def augment(problems: Puzzles, seed: int, first: int = 0) -> Puzzles:
    """A random symmetric image of each puzzle; puzzle i draws from the stream of (seed, first + i).

    Digits are relabelled, bands, stacks, and the rows and columns inside them permuted, and boards with square boxes
    transposed half of the time. A grid never leaves its split: relabelling cannot move it, and where the rest would,
    the rest is undone.
    """
    board = problems.board
    puzzles, solutions = problems.puzzles.copy(), problems.solutions.copy()
    augment_rows(seed, first, board.rows_per_box, board.cols_per_box, puzzles, solutions)
    return Puzzles.rated(board, puzzles, solutions)
