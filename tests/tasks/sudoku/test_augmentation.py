"""Rearranged Sudokus: the same split, one solution, and every rearrangement."""

import numpy as np
import pytest
import torch

from adaptive_diffusion.core.row_noise import RowNoise, row_key
from adaptive_diffusion.tasks.splits import SPLITS
from adaptive_diffusion.tasks.sudoku.augmentation import augment, rearrangements
from adaptive_diffusion.tasks.sudoku.generator import generate
from adaptive_diffusion.tasks.sudoku.geometry import geometry
from adaptive_diffusion.tasks.sudoku.solver import solve
from adaptive_diffusion.tasks.sudoku.split import BY_RELABELLING


@pytest.mark.parametrize("split", SPLITS)
@pytest.mark.parametrize("size", [4, 6, 9])
def test_an_image_is_a_puzzle_of_the_same_split_with_one_solution(size, split):
    board = geometry(size)
    problems = generate(board, 200, split)
    images = augment(problems, seed=3)
    found = solve(board, images.puzzles)
    assert (found.counts == 1).all()
    assert (found.grids == images.solutions).all()
    assert images.clues.tolist() == problems.clues.tolist()
    assert (BY_RELABELLING.splits_of(board, images.solutions) == SPLITS.index(split)).all()
    assert (images.solutions != problems.solutions).any(axis=1).mean() > 0.9


def test_cells_move_and_not_only_their_names():
    problems = generate(geometry(9), 200)
    images = augment(problems, seed=0)
    moved = ((images.puzzles > 0) != (problems.puzzles > 0)).any(axis=1)
    assert moved.mean() == pytest.approx(0.8, abs=0.1)  # the share of grids that training holds


@pytest.mark.parametrize(("size", "symmetries"), [(4, 128), (6, 3456)])
def test_every_rearrangement_of_the_board_comes_up(size, symmetries):
    """2!·2!² ways for rows and as many for columns, transposed or not; 3!·2!³ · 2!·3!² where boxes are not square."""
    index = torch.arange(40 * symmetries)
    zeros = torch.zeros_like(index)
    sources = rearrangements(RowNoise(row_key(0, index, zeros), zeros, zeros), geometry(size))
    assert len(np.unique(sources.numpy(), axis=0)) == symmetries


def test_an_image_depends_on_its_number_alone():
    problems = generate(geometry(6), 20)
    complete = augment(problems, seed=1, first=100)
    tail = augment(problems.take(slice(15, None)), seed=1, first=115)
    assert (complete.puzzles[15:] == tail.puzzles).all()
