"""Countdown: derivations that are right or wrong, and the search for all of them."""

from itertools import product

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from adaptive_diffusion.tasks.countdown import CountdownTask, Limits
from adaptive_diffusion.tasks.countdown.generator import generate
from adaptive_diffusion.tasks.countdown.solver import solve
from adaptive_diffusion.tasks.countdown.verifier import holds, is_derivation

PLUS, MINUS, TIMES, BY = range(4)


def right(equations, numbers, target, largest=999):
    one = [torch.tensor([values]) for values in (equations, numbers, target)]
    return bool(is_derivation(*one, largest))


def test_derivation_of_the_published_example_is_right():
    equations = [(86, PLUS, 28, 114), (31, MINUS, 13, 18), (114, MINUS, 18, 96)]
    assert right(equations, [86, 31, 28, 13], 96)
    assert right(equations[1::-1] + equations[2:], [13, 28, 31, 86], 96)


@pytest.mark.parametrize(
    ("equations", "fault"),
    [
        ([(5, PLUS, 3, 8), (8, TIMES, 2, 15)], "arithmetic is wrong"),
        ([(5, PLUS, 3, 8), (8, PLUS, 2, 10)], "another target is reached"),
        ([(5, TIMES, 3, 15), (15, PLUS, 1, 16)], "1 is no number of the problem"),
        ([(8, TIMES, 2, 16), (5, PLUS, 3, 8)], "8 is used before it is derived"),
        ([(5, PLUS, 5, 10), (10, PLUS, 6, 16)], "5 is used twice"),
        ([(2, MINUS, 5, -3), (-3, PLUS, 19, 16)], "a result is negative"),
        ([(5, 4, 3, 8), (8, TIMES, 2, 16)], "a sign is none"),
        ([(-1, PLUS, 3, 8), (8, TIMES, 2, 16)], "an operand is none"),
    ],
)
def test_derivation_with_one_fault_is_wrong(equations, fault):
    assert right([(5, PLUS, 3, 8), (8, TIMES, 2, 16)], [5, 3, 2], 16)
    assert not right(equations, [5, 3, 2], 16), fault


def test_result_above_the_largest_is_wrong():
    equations = [(50, TIMES, 40, 2000), (2000, BY, 100, 20)]
    assert right(equations, [100, 50, 40], 20, largest=2000)
    assert not right(equations, [100, 50, 40], 20, largest=1999)


@given(st.integers(0, 60), st.integers(0, 3), st.integers(0, 60), st.integers(0, 200))
def test_equation_holds_where_python_agrees(a, sign, b, c):
    value = [a + b, a - b, a * b, a / b if b else None][sign]
    assert bool(holds(*(torch.tensor([part]) for part in (a, sign, b, c)))) == (value == c)


def test_generated_derivations_are_right_until_a_token_is_changed():
    limits = Limits(4, 30, 10, 100, 300)
    task, problems = CountdownTask(limits), generate(limits, 200)
    answers = task.targets(problems)
    assert task.grades(answers, problems)["valid"].all()
    changed = answers.clone()
    changed[:, -2] = (changed[:, -2] + 1) % task.vocabulary  # the sign of equality of the last line is given
    assert not task.grades(changed, problems)["valid"].any()


def test_search_finds_all_derivations_of_small_problems():
    """Against an enumeration of all sequences of equations between 0 and 9 on two and three small numbers."""
    equations = [(a, s, b, c) for a, s, b, c in product(range(10), range(4), range(10), range(10)) if a >= b]
    true = [e for e in equations if holds(*(torch.tensor([part]) for part in e))]
    for numbers in ([3, 2, 1], [4, 2, 2], [3, 3, 3]):
        pairs = [p for p in product(true, true) if p[1][0] == p[0][3] or p[1][2] == p[0][3]]
        lines = torch.tensor(pairs)
        for target in range(10):
            given_numbers = torch.tensor(numbers).expand(len(lines), 3)
            expected = int(is_derivation(lines, given_numbers, torch.full((len(lines),), target), 9).sum())
            found = solve(torch.tensor([numbers]), torch.tensor([target]), 9)
            assert int(found.counts) == expected
            assert not expected or right(found.first[0].tolist(), numbers, target, 9)


def test_order_of_equations_makes_no_new_derivation():
    """450 = (50 + 40) × (3 + 2), whose sums may be formed in two orders, is reached in no other way."""
    assert int(solve(torch.tensor([[50, 40, 3, 2]]), torch.tensor([450]), 999).counts) == 1


def test_work_of_the_search_ends_at_the_first_derivation():
    found = solve(torch.tensor([[5, 3], [5, 3], [5, 3]]), torch.tensor([8, 2, 7]), 99)
    assert found.tried.tolist() == [1, 2, 3]  # +, then −, and 5 ÷ 3 is no equation; 7 cannot be reached
    assert found.counts.tolist() == [1, 1, 0]
