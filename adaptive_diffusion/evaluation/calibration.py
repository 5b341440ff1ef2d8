"""Calibration of halting: the probability a query stopped with, against whether its answer was correct."""

from dataclasses import dataclass

import numpy as np

from adaptive_diffusion.evaluation.intervals import midranks

BINS = 15


def auroc(weights: np.ndarray, probability: np.ndarray, solved: np.ndarray) -> np.ndarray:
    """P(a solved query has the higher probability than an unsolved one), ties half; NaN if all or none are solved."""
    positive = weights * solved
    positives = positive.sum(1)
    negatives = weights.sum(1) - positives
    pairs = positives * negatives
    won = (positive * midranks(weights, probability)).sum(1) - positives**2 / 2
    return np.divide(won, pairs, out=np.full(len(pairs), np.nan), where=pairs > 0)


def calibration_error(weights: np.ndarray, probability: np.ndarray, solved: np.ndarray) -> np.ndarray:
    """Expected calibration error: Σ over bins of share · |mean probability − share solved| (Naeini, Cooper and
    Hauskrecht 2015, AAAI).

    `BINS` bins of equal width. Sampling noise only adds to it, so its interval lies a little high.
    """
    members = np.eye(BINS)[_bin(probability, BINS)]
    return np.abs(weights @ (members * (probability - solved)[:, None])).sum(1) / weights.sum(1)


@dataclass(frozen=True)
class Reliability:
    """The points of a reliability diagram, for each bin that is not empty: [bins] each."""

    probability: np.ndarray
    solved: np.ndarray
    count: np.ndarray


def reliability(probability: np.ndarray, solved: np.ndarray, bins: int = BINS) -> Reliability:
    """Mean probability against share solved in `bins` bins of equal width."""
    which = _bin(probability, bins)
    count = np.bincount(which, minlength=bins)
    used = count > 0
    means = [np.bincount(which, weights=column, minlength=bins)[used] / count[used] for column in (probability, solved)]
    return Reliability(means[0], means[1], count[used])


def _bin(probability: np.ndarray, bins: int) -> np.ndarray:
    if len(probability) and (probability.min() < 0 or probability.max() > 1):
        raise ValueError(f"probabilities lie in 0 to 1, found {probability.min()} to {probability.max()}")
    return np.minimum((probability * bins).astype(np.int64), bins - 1)
