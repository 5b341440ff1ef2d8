import numpy as np
import pytest

from adaptive_diffusion.tasks.sudoku.generator import generate
from adaptive_diffusion.tasks.sudoku.geometry import geometry
from adaptive_diffusion.tasks.sudoku.split import SPLITS, split_of


def canonical(grids: np.ndarray, size: int) -> set[tuple[int, ...]]:
    """Grids renamed so that the first row reads 0..n − 1."""
    return {tuple(np.argsort(grid[:size])[grid - 1].tolist()) for grid in grids.astype(int)}


@pytest.mark.parametrize("size", [4, 6, 9])
def test_no_grid_is_in_two_splits_up_to_relabelling(size):
    train, validation, test = (canonical(generate(geometry(size), 2000, split).solutions, size) for split in SPLITS)
    assert train
    assert validation
    assert test
    assert not train & validation
    assert not train & test
    assert not validation & test


@pytest.mark.parametrize("size", [4, 6, 9])
def test_relabelling_never_moves_a_grid(size):
    grids = generate(geometry(size), 300, "validation").solutions
    rng = np.random.default_rng(0)
    renamed = np.stack([np.append(0, 1 + rng.permutation(size))[grid] for grid in grids])
    assert not (renamed == grids).all()
    assert (split_of(geometry(size), renamed) == SPLITS.index("validation")).all()


def test_four_fifths_of_the_grids_are_for_training():
    grids = np.concatenate([generate(geometry(9), 500, split, clues=(81, 81)).solutions for split in SPLITS])
    swapped = grids.reshape(-1, 9, 9)[:, [1, 0, *range(2, 9)]].reshape(-1, 81)  # other grids, so other hashes
    shares = np.bincount(split_of(geometry(9), swapped), minlength=3) / len(swapped)
    assert shares == pytest.approx([0.8, 0.1, 0.1], abs=0.03)
