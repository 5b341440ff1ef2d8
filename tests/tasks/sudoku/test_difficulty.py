"""Strata of puzzles by the guesses of a solver."""

import numpy as np
import pytest

from adaptive_diffusion.tasks.splits import SPLITS
from adaptive_diffusion.tasks.sudoku.difficulty import stratified, stratum_of
from adaptive_diffusion.tasks.sudoku.geometry import geometry
from adaptive_diffusion.tasks.sudoku.split import BY_RELABELLING


def test_strata_begin_at_0_1_3_and_7_guesses():
    assert stratum_of(np.array([0, 1, 2, 3, 6, 7, 99])).tolist() == [0, 1, 1, 2, 2, 3, 3]


@pytest.mark.parametrize("size", [6, 9])
def test_strata_are_equal_parts_of_one_split(size):
    problems = stratified(geometry(size), 40, "validation")
    assert stratum_of(problems.guesses).tolist() == [0] * 10 + [1] * 10 + [2] * 10 + [3] * 10
    assert (BY_RELABELLING.splits_of(geometry(size), problems.solutions) == SPLITS.index("validation")).all()


def test_a_board_without_hard_puzzles_is_reported():
    with pytest.raises(ValueError, match=r"lack \[0, 5, 5, 5\] of 5"):
        stratified(geometry(4), 20, max_generated=5000)


def test_unequal_parts_are_refused():
    with pytest.raises(ValueError, match="do not divide into 4"):
        stratified(geometry(6), 10)
