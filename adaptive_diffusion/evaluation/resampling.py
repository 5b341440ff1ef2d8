"""Resampling of queries and of seeds together: the intervals of everything that is compared over both."""

from collections.abc import Callable

import numpy as np

from adaptive_diffusion.evaluation.intervals import RESAMPLES, Interval, affordable

_CHUNK = 8_000_000


def resampled_means(values: np.ndarray, resamples: int = RESAMPLES, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Means over seeds and queries, of the data and of resamples of it.

    Queries are drawn with replacement, and so are seeds, independently of each other (the data are crossed: every seed
    has answered every query). Of S seeds S − 1 are drawn, because drawing S would make the variance too small by the
    factor (S − 1)/S (Rao and Wu 1988). The interval of a deterministic sampler, whose seeds agree, is that over its
    queries.

    Args:
        values: [S, N, C], C columns of each of N queries for each of S seeds. Columns are resampled together, so that
            whatever is paired stays paired.
        resamples: fewer are drawn beyond 20,000 queries, as many as cost the same, but never fewer than 1,000.
        seed: of the draws.

    Returns:
        The means of the data [C], and those of R resamples [R, C].

    Raises:
        ValueError: no query, or NaN.
    """
    seeds, queries, columns = values.shape
    if not values.size or np.isnan(values).any():
        raise ValueError(f"resampling needs at least one query and no NaN, got {seeds} × {queries} answers")
    resamples = affordable(resamples, queries)
    rng = np.random.default_rng(seed)
    draws = np.empty((resamples, columns))
    table = values.transpose(1, 0, 2).reshape(queries, -1)
    chunk = max(1, _CHUNK // queries)
    for start in range(0, resamples, chunk):
        size = min(chunk, resamples - start)
        drawn = rng.integers(queries, size=(size, queries)) + queries * np.arange(size)[:, None]
        weights = np.bincount(drawn.ravel(), minlength=size * queries).reshape(size, queries)
        by_seed = (weights @ table / queries).reshape(size, seeds, columns)
        picked = rng.multinomial(max(1, seeds - 1), np.full(seeds, 1 / seeds), size=size) / max(1, seeds - 1)
        draws[start : start + size] = (picked[:, :, None] * by_seed).sum(1)
    return values.mean((0, 1)), draws


def interval_of(statistic: Callable[[np.ndarray], np.ndarray], value: np.ndarray, draws: np.ndarray) -> Interval:
    """A statistic of means [R, C] → [R] with its 95% percentile interval; NaN where nothing defines it.

    Args:
        statistic: of the columns of means.
        value: means of the data [C].
        draws: means of resamples [R, C].
    """
    point, spread = float(statistic(value[None])[0]), statistic(draws)
    if np.isnan(point) or np.isnan(spread).all():
        return Interval(point, np.nan, np.nan)
    low, high = np.nanquantile(spread, [0.025, 0.975])
    return Interval(point, float(low), float(high))


def over_queries_and_seeds(values: np.ndarray, resamples: int = RESAMPLES, seed: int = 0) -> Interval:
    """The mean of values [S, N] of N queries for S seeds, with its 95% interval over both."""
    return interval_of(lambda means: means[:, 0], *resampled_means(values[..., None], resamples, seed))
