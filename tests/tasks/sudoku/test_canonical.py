"""The canonical form of a grid, and the number of classes."""

import numpy as np
import pytest
from sudoku_symmetries import random_images, rearrangements_of, relabelled

from adaptive_diffusion.tasks.sudoku.canonical import canonical_forms
from adaptive_diffusion.tasks.sudoku.generator import generate
from adaptive_diffusion.tasks.sudoku.geometry import geometry


def grids_of(size: int, count: int) -> np.ndarray:
    return generate(geometry(size), count, clues=(size**2, size**2)).solutions


@pytest.mark.parametrize("size", [4, 6])
def test_canonical_form_is_the_least_of_all_images(size):
    board = geometry(size)
    grids = grids_of(size, 40)
    sources = rearrangements_of(board)
    least = [min(map(tuple, relabelled(grid[sources], size).tolist())) for grid in grids]
    assert canonical_forms(board, grids).tolist() == list(map(list, least))


def test_9x9_grids_and_their_images_have_one_canonical_form():
    board, grids = geometry(9), grids_of(9, 300)
    forms = canonical_forms(board, grids)
    assert len(np.unique(forms, axis=0)) == 300
    for seed in range(5):
        assert np.array_equal(canonical_forms(board, random_images(grids, board, seed)), forms)


def test_9x9_canonical_form_is_a_grid_whose_first_row_is_ordered_and_that_no_image_precedes():
    board, grids = geometry(9), grids_of(9, 50)
    forms = canonical_forms(board, grids)
    assert (np.sort(forms[:, board.units], axis=2) == np.arange(1, 10)).all()
    assert (forms[:, :9] == np.arange(1, 10)).all()
    assert np.array_equal(canonical_forms(board, forms), forms)
    for seed in range(20):
        images = relabelled(random_images(grids, board, seed), 9)
        assert all(form <= image for form, image in zip(forms.tolist(), images.tolist(), strict=True))


def test_6x6_grids_form_49_classes_that_cover_all_grids():
    board = geometry(6)
    forms = np.unique(canonical_forms(board, grids_of(6, 8000)), axis=0)
    sources = rearrangements_of(board)
    sizes = [len(np.unique(relabelled(form[sources], 6), axis=0)) for form in forms]
    assert len(forms) == 49
    assert sum(sizes) == 28_200_960 // 720


def test_4x4_grids_form_2_classes():
    assert len(np.unique(canonical_forms(geometry(4), grids_of(4, 500)), axis=0)) == 2
