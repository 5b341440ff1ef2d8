"""Verdicts on filled grids: valid, exact or neither."""

import torch

from adaptive_diffusion.tasks.sudoku.verifier import verify

GRID = [1, 2, 3, 4, 3, 4, 1, 2, 2, 1, 4, 3, 4, 3, 2, 1]
SWAPPED = [2, 1, 3, 4, 3, 4, 1, 2, 1, 2, 4, 3, 4, 3, 2, 1]
TWO_SOLUTIONS = [0, 0, 3, 4, 3, 4, 1, 2, 0, 0, 4, 3, 4, 3, 2, 1]


def judge(answer, puzzle, solution):
    correctness = verify(*(torch.tensor([grid]) for grid in (answer, puzzle, solution)))
    return correctness.valid.item(), correctness.exact.item()


def test_the_solution_is_valid_and_exact():
    assert judge(GRID, TWO_SOLUTIONS, GRID) == (True, True)


def test_another_solution_is_valid_and_not_exact():
    assert judge(SWAPPED, TWO_SOLUTIONS, GRID) == (True, False)


def test_a_grid_that_overwrites_a_clue_is_not_valid():
    assert judge(SWAPPED, [1, *TWO_SOLUTIONS[1:]], GRID) == (False, False)


def test_rows_and_columns_without_boxes_are_not_enough():
    latin = [1, 2, 3, 4, 2, 3, 4, 1, 3, 4, 1, 2, 4, 1, 2, 3]
    assert judge(latin, [0] * 16, GRID) == (False, False)


def test_open_cells_are_never_valid():
    assert judge([5, *GRID[1:]], [0] * 16, GRID) == (False, False)
    assert judge([0, *GRID[1:]], [0] * 16, GRID) == (False, False)


def test_rows_are_judged_apart():
    answers = torch.tensor([GRID, SWAPPED, [1] * 16])
    correctness = verify(answers, torch.zeros_like(answers), torch.tensor([GRID] * 3))
    assert correctness.valid.tolist() == [True, True, False]
    assert correctness.exact.tolist() == [True, False, False]
