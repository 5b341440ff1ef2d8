"""The solver against brute force and known counts, and its guesses."""

from itertools import permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adaptive_diffusion.tasks.sudoku.generator import generate
from adaptive_diffusion.tasks.sudoku.geometry import geometry
from adaptive_diffusion.tasks.sudoku.kernels import search_rows
from adaptive_diffusion.tasks.sudoku.solver import GUESSES_COUNTED, count_guesses, solve

# Has no solution, which a search finds out only after millions of guesses.
HOSTILE = "." * 5 + "5.8....6.1.43..........1.5........1.6...3.......553.....61........4........."


def digits(text):
    return np.array([[0 if symbol == "." else int(symbol) for symbol in text]])


@pytest.fixture(scope="module")
def all_4x4_grids():
    """Every 4×4 grid [288, 16], by brute force over rows."""
    rows = list(permutations(range(1, 5)))
    halves = [upper + lower for upper in rows for lower in rows if set(upper[:2]).isdisjoint(lower[:2])]
    grids = np.array([upper + lower for upper in halves for lower in halves])
    return grids[(np.sort(grids[:, geometry(4).units], axis=2) == np.arange(1, 5)).all(axis=(1, 2))]


@pytest.fixture(scope="module")
def minimal_9x9():
    """Puzzles of our own that can spare no clue: 21 to 27 clues, and hard for a search by naked singles."""
    return generate(geometry(9), 300, seed=11, clues=(0, 0))


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
    assert found.decided.all()
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


def counts_by_naked_singles(board, puzzles, limit):
    """The same search without hidden singles, which visits far more of the tree."""
    puzzles = np.ascontiguousarray(puzzles, dtype=np.uint8)
    counts, guesses = np.zeros((2, len(puzzles)), dtype=np.int64)
    search_rows(
        puzzles, board.size, board.peers, board.units[:0], limit, 10**6, np.zeros_like(puzzles), counts, guesses
    )
    return counts


@given(st.sampled_from([6, 9]), st.integers(0, 2**32 - 1), st.integers(0, 4), st.integers(0, 2))
@settings(max_examples=60, deadline=None)
def test_hidden_singles_change_no_count(size, seed, removed, changed):
    """Random puzzles with one solution, with several (clues removed) and with none (clues changed)."""
    board = geometry(size)
    puzzles = generate(board, 8, seed=seed, clues=(0, 0)).puzzles
    rng = np.random.default_rng(seed)
    for puzzle in puzzles:
        clues = rng.permutation(np.flatnonzero(puzzle))
        puzzle[clues[:removed]] = 0
        puzzle[clues[removed : removed + changed]] = rng.integers(1, size + 1, changed)
    found = solve(board, puzzles, limit=50)
    assert found.counts.tolist() == counts_by_naked_singles(board, puzzles, limit=50).tolist()
    solved = found.grids[found.counts > 0]
    assert (np.sort(solved[:, board.units], axis=2) == np.arange(1, size + 1)).all()
    assert (found.grids[found.counts == 0] == 0).all()


def test_hard_puzzles_are_decided_within_a_hundredth_of_the_budget(minimal_9x9):
    found = solve(geometry(9), minimal_9x9.puzzles, guess_limit=500)
    assert found.decided.all()
    assert (found.counts == 1).all()
    assert np.array_equal(found.grids, minimal_9x9.solutions)


def test_guesses_do_not_depend_on_the_names_of_the_digits(minimal_9x9):
    names = np.append(0, 1 + np.random.default_rng(1).permutation(9))
    assert count_guesses(geometry(9), names[minimal_9x9.puzzles]).tolist() == minimal_9x9.guesses.tolist()
    assert minimal_9x9.guesses.max() > 7


def test_guesses_are_counted_up_to_a_bound():
    assert count_guesses(geometry(9), digits(HOSTILE)).tolist() == [GUESSES_COUNTED]


def test_two_way_cell_is_one_guess():
    # 1 and 2 may be exchanged in the first two rows, so one guess leads to both solutions.
    puzzle = digits("..343412..434321")
    assert solve(geometry(4), puzzle).counts.tolist() == [2]
    assert count_guesses(geometry(4), puzzle).tolist() == [1]


def test_hostile_puzzle_is_left_undecided():
    found = solve(geometry(9), np.concatenate([digits(HOSTILE), digits("." * 81)]), guess_limit=1000)
    assert found.decided.tolist() == [False, True]
    assert found.counts.tolist() == [0, 2]
    assert not found.grids[0].any()


def test_solution_found_before_the_limit_is_returned():
    found = solve(geometry(4), digits("." * 16), limit=1000, guess_limit=20)
    assert not found.decided.any()
    assert 1 <= found.counts[0] < 288
    assert found.grids.all()


def test_puzzle_with_17_clues_is_unique_and_without_any_of_them_it_is_not():
    puzzle = digits(".......1.4.........2...........5.4.7..8...3....1.9....3..4..2...5.1........8.6...")
    clues = np.flatnonzero(puzzle)
    without_one = np.repeat(puzzle, len(clues), axis=0)
    without_one[np.arange(len(clues)), clues] = 0
    found = solve(geometry(9), np.concatenate([puzzle, without_one]))
    assert len(clues) == 17
    assert found.decided.all()
    assert found.counts.tolist() == [1] + [2] * 17
