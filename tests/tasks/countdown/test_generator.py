"""Countdown problems: their limits, their splits, and the same problem in every range."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from adaptive_diffusion.tasks.countdown import CountdownData, Limits
from adaptive_diffusion.tasks.countdown.generator import distinct, generate
from adaptive_diffusion.tasks.countdown.solver import solve
from adaptive_diffusion.tasks.countdown.verifier import is_derivation

LIMITS = Limits(3, 20, 10, 60, 99)


def keys(problems):
    return {
        (*numbers, target) for numbers, target in zip(problems.numbers.tolist(), problems.target.tolist(), strict=True)
    }


@given(st.integers(0, 50), st.integers(0, 1000), st.integers(1, 20))
def test_problem_is_the_same_in_every_range(seed, first, count):
    wide = generate(LIMITS, first % 7 + count, seed=seed, first=first)
    narrow = generate(LIMITS, count, seed=seed, first=first + first % 7)
    assert torch.equal(wide.equations[first % 7 :], narrow.equations)
    assert torch.equal(wide.numbers[first % 7 :], narrow.numbers)


@pytest.mark.parametrize("numbers", [2, 3, 4, 5])
def test_problems_lie_within_their_limits_and_can_be_solved(numbers):
    limits = Limits(numbers, 20, 10, 60, 99)
    problems = generate(limits, 300, "test", seed=3)
    assert problems.numbers.min() >= 1
    assert problems.numbers.max() <= 20
    assert (problems.numbers.diff(dim=1) <= 0).all()
    assert problems.target.min() >= 10
    assert problems.target.max() <= 60
    assert problems.equations[:, :, 3].max() <= 99
    assert (problems.equations[:, :, 0] >= problems.equations[:, :, 2]).all()
    assert is_derivation(problems.equations, problems.numbers, problems.target, 99).all()


def test_equal_problems_have_the_solvers_first_derivation():
    problems = generate(LIMITS, 300)
    found = solve(problems.numbers, problems.target, LIMITS.largest)
    assert torch.equal(problems.equations, found.first)


def test_splits_share_no_problem_and_the_held_out_repeat_none():
    data = CountdownData(3, 9, 10, 40, 99, held_out_problems=60)
    training = keys(data.training(0, 20_000))
    validation, test = keys(data.validation), keys(data.test)
    assert len(validation) == len(test) == 60
    assert not training & validation
    assert not training & test
    assert not validation & test


def test_held_out_problems_do_not_depend_on_the_training_seed():
    a, b = (CountdownData(3, held_out_problems=20, seed=seed) for seed in (0, 1))
    assert torch.equal(a.test.equations, b.test.equations)
    assert not torch.equal(a.training(0, 20).equations, b.training(0, 20).equations)


def test_more_held_out_problems_than_there_are_is_an_error():
    with pytest.raises(ValueError, match="hardly more than .* ask for fewer than 5000"):
        distinct(Limits(2, 5, 2, 10, 20), 5000, "test", 0)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"numbers": 1}, "2 to 6 numbers, not 1"),
        ({"least_target": 60}, "targets 60..50 must be an ascending range"),
        ({"largest_target": 150}, "targets 10..150 .* which is 99"),
        ({"largest_number": 100}, "largest_number is 100 and largest 99"),
    ],
)
def test_contradictory_limits_are_refused(change, sentence):
    fields = {"numbers": 3, "largest_number": 20, "least_target": 10, "largest_target": 50, "largest": 99}
    with pytest.raises(ValueError, match=sentence):
        Limits(**fields | change)


def test_unknown_split_is_refused():
    with pytest.raises(ValueError, match="no split called 'dev'; choose one of train, validation, test"):
        generate(LIMITS, 1, "dev")


def test_limits_that_hardly_any_problem_meets_are_an_error():
    with pytest.raises(ValueError, match="hardly any problem of train lies within .* widen the limits"):
        generate(Limits(2, 2, 900, 999, 999), 1)
