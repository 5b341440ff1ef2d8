"""Bootstrap intervals and paired tests, against enumeration and scipy."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from adaptive_diffusion.evaluation.intervals import (
    Interval,
    bootstrap,
    mean,
    midranks,
    paired_difference,
    ratio_of_sums,
)


def test_the_interval_is_that_of_all_resamples():
    data = np.array([0.0, 1.0, 5.0, 6.0])
    means = [np.mean(resample) for resample in product(data, repeat=4)]
    interval = bootstrap(mean, data, resamples=200_000)
    assert interval.value == data.mean()
    assert (interval.low, interval.high) == tuple(np.quantile(means, [0.025, 0.975]))


def test_many_distinct_queries_are_resampled_like_few():
    rng = np.random.default_rng(0)
    data = rng.normal(size=500)
    interval = bootstrap(mean, data, resamples=20_000)
    half = 1.96 * data.std() / np.sqrt(500)
    assert interval.low == pytest.approx(data.mean() - half, abs=0.05 * half)
    assert interval.high == pytest.approx(data.mean() + half, abs=0.05 * half)


def test_queries_without_variance_have_an_interval_of_no_width():
    assert bootstrap(mean, np.ones(5)) == Interval(1, 1, 1)


def test_the_same_seed_gives_the_same_interval_and_another_does_not():
    data = np.arange(50.0)
    assert bootstrap(mean, data, seed=3) == bootstrap(mean, data, seed=3)
    assert bootstrap(mean, data, seed=3) != bootstrap(mean, data, seed=4)


def test_pairs_stay_together():
    first = np.arange(100.0)
    assert bootstrap(ratio_of_sums, 2 * first, first) == Interval(2, 2, 2)


def test_an_undefined_ratio_is_not_a_number():
    interval = bootstrap(ratio_of_sums, np.zeros(4), np.zeros(4))
    assert np.isnan([interval.value, interval.low, interval.high]).all()


@pytest.mark.parametrize("data", [np.array([]), np.array([1.0, np.nan])])
def test_no_queries_and_no_numbers_are_refused(data: np.ndarray):
    with pytest.raises(ValueError, match="at least one query and no NaN"):
        bootstrap(mean, data)


def test_a_paired_difference_is_narrower_than_its_parts():
    rng = np.random.default_rng(0)
    hard = rng.random(1000)
    first, second = hard < 0.9, hard < 0.85
    difference = paired_difference(first, second)
    assert difference.value == pytest.approx(first.mean() - second.mean())
    assert difference.low > 0
    assert difference.high - difference.low < bootstrap(mean, first).high - bootstrap(mean, first).low


@given(st.lists(st.integers(0, 4), min_size=1, max_size=30))
def test_midranks_are_those_of_scipy(values: list[int]):
    ours = midranks(np.ones((1, len(values))), np.array(values))[0] + 0.5
    assert ours.tolist() == stats.rankdata(values).tolist()


def test_interval_survives_its_way_through_json():
    interval = Interval(0.5, 0.25, float("nan"))
    assert interval.to_json() == {"value": 0.5, "low": 0.25, "high": None}
    back = Interval.from_json(interval.to_json())
    assert back is not None
    assert back[:2] == (0.5, 0.25)
    assert np.isnan(back.high)
    assert Interval.from_json(None) is None


@pytest.mark.parametrize("written", [{}, {"value": 1, "low": [], "high": 2}, [1, 2, 3]])
def test_values_that_are_no_interval_are_refused(written):
    with pytest.raises(ValueError, match="no interval"):
        Interval.from_json(written)
