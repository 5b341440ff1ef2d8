"""Resampling over queries and seeds, against formulas."""

import numpy as np
import pytest

from adaptive_diffusion.evaluation.intervals import affordable, bootstrap, mean
from adaptive_diffusion.evaluation.resampling import interval_of, over_queries_and_seeds, resampled_means


def test_means_of_the_data_and_of_resamples():
    values = np.random.default_rng(0).random((3, 50, 2))
    point, draws = resampled_means(values)
    assert point == pytest.approx(values.mean((0, 1)))
    assert draws.shape == (4000, 2)
    assert draws.mean(0) == pytest.approx(point, abs=0.01)


def test_with_one_seed_it_is_the_bootstrap_over_queries():
    values = (np.random.default_rng(1).random(300) < 0.9).astype(float)
    assert over_queries_and_seeds(values[None]) == pytest.approx(bootstrap(mean, values), abs=0.004)


def test_seeds_that_agree_add_no_variance_and_take_none_away():
    values = np.random.default_rng(2).random((1, 200))
    assert over_queries_and_seeds(values.repeat(5, 0)) == pytest.approx(over_queries_and_seeds(values))


def test_seeds_that_differ_add_their_variance():
    """Seeds differ by a constant, so the variance of the mean is that of the queries plus s²/S."""
    rng = np.random.default_rng(3)
    queries, seeds = rng.normal(size=400), rng.normal(scale=0.2, size=6)
    values = queries + seeds[:, None]
    _, draws = resampled_means(values[..., None])
    assert draws.std() == pytest.approx(np.sqrt(queries.var() / 400 + seeds.var(ddof=1) / 6), rel=0.1)


def test_columns_are_resampled_together():
    values = np.random.default_rng(4).random((2, 40, 1)).repeat(2, 2)
    point, draws = resampled_means(values)
    assert interval_of(lambda means: means[:, 0] - means[:, 1], point, draws) == (0, 0, 0)


def test_many_queries_are_resampled_less_often():
    assert [affordable(4000, rows) for rows in (100, 20_000, 40_000, 200_000)] == [4000, 4000, 2000, 1000]


@pytest.mark.parametrize("values", [np.zeros((1, 0, 1)), np.full((1, 2, 1), np.nan)])
def test_nothing_and_what_is_not_known_are_refused(values: np.ndarray):
    with pytest.raises(ValueError, match="at least one query and no NaN"):
        resampled_means(values)


def test_statistic_that_no_resample_defines_has_no_ends():
    found = interval_of(lambda means: np.full(len(means), np.nan), np.zeros(1), np.zeros((9, 1)))
    assert np.isnan(found).all()
