"""Which answers are solutions of a puzzle, and which are the reference solution."""

import torch
from torch import Tensor

from adaptive_diffusion.tasks.sudoku.geometry import geometry
from adaptive_diffusion.tasks.task import Correctness


def verify(answers: Tensor, puzzles: Tensor, solutions: Tensor) -> Correctness:
    """Judge answers against puzzles and solutions, digits [R, L]; an answer may hold anything, a puzzle 0.

    *valid*: every row, column and box is a permutation of 1..n and every clue stands; *exact*: equal to the solution.
    A puzzle with several solutions has valid answers that are not exact.
    """
    board = geometry(round(answers.shape[1] ** 0.5))
    units = torch.from_numpy(board.units).to(answers.device)
    digits = torch.arange(1, board.size + 1, device=answers.device)
    permutations = (answers[:, units].sort(dim=-1).values == digits).flatten(1).all(dim=1)
    clues_stand = ((answers == puzzles) | (puzzles == 0)).all(dim=1)
    return Correctness(valid=permutations & clues_stand, exact=(answers == solutions).all(dim=1))
