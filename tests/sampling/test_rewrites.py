"""Revisions that change nothing are counted apart from those that change a token."""

from itertools import pairwise
from types import SimpleNamespace

import pytest
import torch

from adaptive_diffusion.sampling.rewrites import RewriteCount

MASK = 9


def steps(*tokens):
    """States of one row of two positions; `MASK` where nothing is committed."""
    rows = [torch.tensor([row]) for row in tokens]
    return [SimpleNamespace(tokens=row, committed=row != MASK, running=torch.tensor([True])) for row in rows]


@pytest.mark.parametrize(
    ("history", "rewrites"),
    [
        ([(MASK, 1), (4, 1)], 0),
        ([(4, 1), (MASK, 1), (4, 1)], 1),
        ([(4, 1), (MASK, 1), (5, 1)], 0),
        ([(4, 1), (MASK, MASK), (MASK, 1), (4, 1)], 2),
        ([(4, 1), (MASK, 1), (4, 1), (MASK, 1), (4, 1)], 2),
        ([(4, 1), (MASK, 1), (5, 1), (MASK, 1), (4, 1)], 0),
    ],
    ids=["first commit", "same token", "other token", "two positions", "twice", "back after another"],
)
def test_token_that_returns_where_it_was_taken_back_is_a_rewrite(history, rewrites):
    states, count = steps(*history), RewriteCount(1, 2, torch.device("cpu"))
    for before, after in pairwise(states):
        count(torch.tensor([0]), before, after)
    assert count.count.tolist() == [rewrites]


def test_rows_are_counted_apart_whatever_slot_they_have():
    count = RewriteCount(3, 2, torch.device("cpu"))
    first, second, third = steps((4, 1), (MASK, 1), (4, 1))
    count(torch.tensor([2]), first, second)
    count(torch.tensor([0]), second, third)
    count(torch.tensor([2]), second, third)
    assert count.count.tolist() == [0, 0, 1]
