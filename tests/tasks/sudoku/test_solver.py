from itertools import permutations

import numpy as np
import pytest

from adaptive_diffusion.tasks.sudoku.generator import generate
from adaptive_diffusion.tasks.sudoku.geometry import geometry
from adaptive_diffusion.tasks.sudoku.solver import solve


@pytest.fixture(scope="module")
def all_4x4_grids():
    """Every 4×4 grid [288, 16], by brute force over rows."""
    rows = list(permutations(range(1, 5)))
    halves = [upper + lower for upper in rows for lower in rows if set(upper[:2]).isdisjoint(lower[:2])]
    grids = np.array([upper + lower for upper in halves for lower in halves])
    return grids[(np.sort(grids[:, geometry(4).units], axis=2) == np.arange(1, 5)).all(axis=(1, 2))]


def test_there_are_288_grids_of_size_four(all_4x4_grids):
    assert len(all_4x4_grids) == 288
    assert solve(geometry(4), np.zeros((1, 16)), limit=1000).counts.tolist() == [288]


def test_counts_of_random_4x4_clues_match_brute_force(all_4x4_grids):
    rng = np.random.default_rng(0)
    puzzles = np.where(rng.random((300, 16)) < rng.random((300, 1)), rng.choice(all_4x4_grids, 300), 0)
    puzzles[::3, 0] = rng.integers(1, 5, 100)  # some contradict
    fits = (puzzles[:, None] == 0) | (puzzles[:, None] == all_4x4_grids[None])
    expected = fits.all(axis=2).sum(axis=1)
    found = solve(geometry(4), puzzles, limit=1000)
    assert found.counts.tolist() == expected.tolist()
    assert 0 in expected
    assert 1 in expected
    for puzzle, grid in zip(puzzles[expected > 0], found.grids[expected > 0], strict=True):
        assert (all_4x4_grids == grid).all(axis=1).any()
        assert ((puzzle == 0) | (puzzle == grid)).all()


def test_6x6_has_39168_grids_up_to_relabelling():
    """28,200,960 grids of 2×3 boxes (OEIS A291187) over 6! names of the digits."""
    puzzle = np.zeros((1, 36))
    puzzle[0, :6] = range(1, 7)
    assert solve(geometry(6), puzzle, limit=10**6).counts.tolist() == [28_200_960 // 720]


def test_guesses_do_not_depend_on_the_names_of_the_digits():
    problems = generate(geometry(9), 60, clues=(0, 0))
    names = np.append(0, 1 + np.random.default_rng(1).permutation(9))
    assert solve(geometry(9), names[problems.puzzles]).guesses.tolist() == problems.guesses.tolist()
    assert problems.guesses.max() > 7


def test_a_two_way_cell_is_one_guess():
    # A deadly rectangle: 1 and 2 may be swapped in the first two rows, so one guess leads to both solutions.
    puzzle = np.array([[0, 0, 3, 4, 3, 4, 1, 2, 0, 0, 4, 3, 4, 3, 2, 1]])
    found = solve(geometry(4), puzzle)
    assert (found.counts.tolist(), found.guesses.tolist()) == ([2], [1])


def test_a_hostile_puzzle_is_given_up():
    hostile = "." * 5 + "5.8....6.1.43..........1.5........1.6...3.......553.....61........4........."
    puzzle = np.array([[0 if symbol == "." else int(symbol) for symbol in hostile]])
    found = solve(geometry(9), puzzle, guess_limit=1000)
    assert found.counts.tolist() == [-1]
    assert not found.grids.any()
