"""Do steps go where the difficulty is? Rank correlation with its interval and its ceiling."""

import numpy as np

from adaptive_diffusion.evaluation.intervals import RESAMPLES, Interval, bootstrap, midranks


def rank_correlation(weights: np.ndarray, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Spearman's ρ with midranks for ties, as a statistic of `intervals`; NaN where a column is constant."""
    rank_x, rank_y = midranks(weights, x), midranks(weights, y)
    total = weights.sum(1, keepdims=True)
    rank_x -= total / 2  # the mean midrank, whatever the ties
    rank_y -= total / 2
    covariance = (weights * rank_x * rank_y).sum(1)
    scale = np.sqrt((weights * rank_x**2).sum(1) * (weights * rank_y**2).sum(1))
    return np.divide(covariance, scale, out=np.full(len(scale), np.nan), where=scale > 0)


def spearman(x: np.ndarray, y: np.ndarray, resamples: int = RESAMPLES, seed: int = 0) -> Interval:
    """Spearman's ρ of two columns [N] of queries (say difficulty and NFE), with its 95% bootstrap interval."""
    return bootstrap(rank_correlation, x, y, resamples=resamples, seed=seed)


def tie_ceiling(x: np.ndarray, y: np.ndarray) -> float:
    """The largest ρ these two sets of values could have, however they were paired: both sorted.

    Ties in the difficulty that the NFE does not share keep ρ below 1 even for a perfect allocation. Where all `y`
    differ the ceiling is √(1 − Σ(t³−t)/(n³−n)) over the groups of t tied `x`.
    """
    return float(rank_correlation(np.ones((1, len(x))), np.sort(x), np.sort(y))[0])
