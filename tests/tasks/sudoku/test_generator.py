"""Generated puzzles: one solution, clues in range, and the same puzzle in every range."""

import numpy as np
import pytest

from adaptive_diffusion.tasks.splits import SPLITS
from adaptive_diffusion.tasks.sudoku.generator import CLUES, generate
from adaptive_diffusion.tasks.sudoku.geometry import geometry
from adaptive_diffusion.tasks.sudoku.solver import count_guesses, solve


@pytest.mark.parametrize("size", [4, 6, 9])
def test_every_puzzle_has_one_solution_and_its_clues_in_range(size):
    board = geometry(size)
    problems = generate(board, 200)
    found = solve(board, problems.puzzles)
    assert (found.counts == 1).all()
    assert (found.grids == problems.solutions).all()
    assert problems.guesses.tolist() == count_guesses(board, problems.puzzles).tolist()
    assert problems.unique.all()
    assert problems.clues.tolist() == (problems.puzzles > 0).sum(axis=1).tolist()
    assert problems.clues.min() >= CLUES[size][0]
    assert problems.clues.max() == CLUES[size][1]


def test_a_minimal_puzzle_can_spare_no_clue():
    board = geometry(6)
    problems = generate(board, 20, clues=(0, 0))
    for puzzle in problems.puzzles:
        without_one = np.repeat(puzzle[None], board.length, axis=0)
        np.fill_diagonal(without_one, 0)
        assert (solve(board, without_one).counts[puzzle > 0] == 2).all()


def test_a_puzzle_is_the_same_whatever_range_it_is_generated_in():
    complete = generate(geometry(6), 30, seed=5)
    tail = generate(geometry(6), 10, seed=5, first=20)
    assert (complete.puzzles[20:] == tail.puzzles).all()
    assert (complete.solutions[20:] == tail.solutions).all()


def test_seeds_and_splits_have_puzzles_of_their_own():
    first = generate(geometry(6), 50)
    for other in (generate(geometry(6), 50, seed=1), generate(geometry(6), 50, "test")):
        assert not (first.solutions == other.solutions).all(axis=1).any()


def test_the_list_of_a_seed_never_changes():
    """Results name puzzles by seed and number, so a new version must generate the old puzzles."""
    small, medium = generate(geometry(4), 1, seed=7), generate(geometry(6), 1, "test", seed=7)
    assert "".join(map(str, small.puzzles[0])) == "1020024100300012"
    assert "".join(map(str, medium.puzzles[0])) == "003010000000650040100005000200400130"


def test_all_4x4_grids_of_the_three_splits_come_up():
    grids = np.concatenate([generate(geometry(4), 3000, split).solutions for split in SPLITS])
    assert len(np.unique(grids, axis=0)) == 288


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"split": "dev"}, "no split called 'dev'"),
        ({"clues": (9, 3)}, "not 9, 3"),
        ({"seed": -1}, "must not be negative"),
    ],
)
def test_wrong_arguments_are_named(wrong, message):
    with pytest.raises(ValueError, match=message):
        generate(geometry(4), 1, **wrong)
