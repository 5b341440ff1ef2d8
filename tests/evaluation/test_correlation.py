"""Rank correlation, against scipy, and its ceiling."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from adaptive_diffusion.evaluation.correlation import spearman, tie_ceiling


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), min_size=3, max_size=40))
def test_rho_is_that_of_scipy(pairs: list[tuple[int, int]]):
    x, y = np.array(pairs).T
    if len(set(x)) > 1 and len(set(y)) > 1:
        assert spearman(x, y, resamples=2).value == pytest.approx(stats.spearmanr(x, y).statistic)


def test_a_constant_has_no_rho():
    assert np.isnan(spearman(np.ones(5), np.arange(5)).value)


def test_the_interval_holds_the_value_and_narrows_with_queries():
    rng = np.random.default_rng(0)
    difficulty = rng.integers(0, 8, 4000)
    nfe = difficulty + rng.integers(0, 6, 4000)
    few, many = spearman(difficulty[:200], nfe[:200]), spearman(difficulty, nfe)
    assert few.low < few.value < few.high
    assert many.high - many.low < 0.5 * (few.high - few.low)


def test_a_perfect_allocation_reaches_the_ceiling():
    difficulty = np.repeat([0, 1, 2], [85, 10, 5])
    nfe = np.random.default_rng(0).permutation(np.arange(100))
    ceiling = tie_ceiling(difficulty, nfe)
    assert ceiling == pytest.approx(np.sqrt(1 - sum(t**3 - t for t in (85, 10, 5)) / (100**3 - 100)))
    assert ceiling == pytest.approx(spearman(difficulty, np.sort(nfe), resamples=2).value)
    assert tie_ceiling(difficulty, 3 + 2 * difficulty) == pytest.approx(1)
