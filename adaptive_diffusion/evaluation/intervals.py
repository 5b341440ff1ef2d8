"""Bootstrap intervals of any statistic of queries, and the paired tests built on them.

A statistic is a function of *weights*: `statistic(weights, *columns) -> [R]` with `weights` [R, C], the number of times
each distinct row of the columns [C] occurs in each of R resamples. Its value on the data is the same function at the
data's own counts, so point estimate and interval cannot come from two definitions.
"""

from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np

Statistic = Callable[..., np.ndarray]

RESAMPLES = 4000
_CHUNK = 500_000
_DRAWS, _FEWEST = RESAMPLES * 20_000, 1000


class Interval(NamedTuple):
    """A value with the ends of its confidence interval; NaN where the data does not define it."""

    value: float
    low: float
    high: float

    def to_json(self) -> dict[str, float | None]:
        """Plain values; null where the data does not define one."""
        return {name: float(end) if np.isfinite(end) else None for name, end in self._asdict().items()}

    @staticmethod
    def from_json(written: Mapping[str, float | None] | None) -> "Interval | None":
        """The inverse of `to_json`; null is no interval.

        Raises:
            ValueError: values that describe no interval.
        """
        if written is None:
            return None
        try:
            values = (written[end] for end in Interval._fields)
            return Interval(*(np.nan if value is None else float(value) for value in values))
        except (KeyError, TypeError) as error:
            raise ValueError(f"this is no interval: {written!r}") from error


def bootstrap(
    statistic: Statistic,
    *columns: np.ndarray,
    resamples: int = RESAMPLES,
    seed: int = 0,
    confidence: float = 0.95,
) -> Interval:
    """Percentile interval of `statistic` over queries drawn with replacement (Efron 1979).

    `columns` are [N], an entry per query, and are resampled together, so whatever is paired stays paired. Beyond 20,000
    distinct rows fewer resamples are drawn, as many as cost the same, but never fewer than 1,000.

    Where all N queries agree, such as at 0% or 100% right, all resamples do too and the interval has no width; the
    share of the other kind may then still be up to about 3/N (Hanley and Lippman-Hand 1983).

    Raises `ValueError` for no queries, for columns of different lengths, and for NaN.
    """
    table = np.column_stack([np.asarray(column, np.float64) for column in columns])
    if not len(table) or np.isnan(table).any():
        raise ValueError(f"a bootstrap needs at least one query and no NaN, got {len(table)} queries")
    cells, counts = np.unique(table, axis=0, return_counts=True)
    resamples = affordable(resamples, len(cells))
    rng = np.random.default_rng(seed)
    chunk = max(1, _CHUNK // len(cells))
    sizes = [min(chunk, resamples - start) for start in range(0, resamples, chunk)]
    draws = np.concatenate([statistic(_resample(rng, counts, size), *cells.T) for size in sizes])
    value = statistic(counts[None].astype(np.float64), *cells.T)[0]
    if np.isnan(draws).all():
        return Interval(float(value), np.nan, np.nan)
    tail = (1 - confidence) / 2
    low, high = np.nanquantile(draws, [tail, 1 - tail])
    return Interval(float(value), float(low), float(high))


def affordable(resamples: int, rows: int) -> int:
    """How many resamples of so many rows are drawn: beyond 20,000 rows fewer, as many as cost the same, but never fewer
    than 1,000."""
    return min(resamples, max(_FEWEST, _DRAWS // max(1, rows)))


def _resample(rng: np.random.Generator, counts: np.ndarray, size: int) -> np.ndarray:
    """Multinomial counts [size, C] of drawing as many queries as there are, with replacement."""
    cells, queries = len(counts), counts.sum()
    if cells < queries // 8:
        return rng.multinomial(queries, counts / queries, size=size).astype(np.float64)
    # Nearly every query is a row of its own: counting drawn indices beats one binomial draw a cell.
    drawn = np.repeat(np.arange(cells), counts)[rng.integers(queries, size=(size, queries))]
    flat = (drawn + cells * np.arange(size)[:, None]).ravel()
    return np.bincount(flat, minlength=size * cells).reshape(size, cells).astype(np.float64)


def mean(weights: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Mean of a column, as a statistic."""
    return weights @ values / weights.sum(1)


def ratio_of_sums(weights: np.ndarray, numerator: np.ndarray, denominator: np.ndarray) -> np.ndarray:
    """Σ numerator / Σ denominator, as a statistic; NaN where the denominator is 0."""
    below = weights @ denominator
    return np.divide(weights @ numerator, below, out=np.full(len(below), np.nan), where=below != 0)


def midranks(weights: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Weighted midrank of each entry [R, C]: the weight strictly below its value plus half the weight at it."""
    order = np.argsort(values, kind="stable")
    ordered = values[order]
    starts = np.flatnonzero(np.r_[True, ordered[1:] != ordered[:-1]])
    levels = np.add.reduceat(weights[:, order], starts, axis=1)
    middle = np.cumsum(levels, axis=1) - levels / 2
    level = np.empty(len(values), np.int64)
    level[order] = np.repeat(np.arange(len(starts)), np.diff(np.r_[starts, len(values)]))
    return middle[:, level]


def paired_difference(first: np.ndarray, second: np.ndarray, resamples: int = RESAMPLES, seed: int = 0) -> Interval:
    """Mean of `first` − `second`, both [N] and in the same order of queries, with its 95% interval."""
    difference = np.asarray(first, np.float64) - np.asarray(second, np.float64)
    return bootstrap(mean, difference, resamples=resamples, seed=seed)
