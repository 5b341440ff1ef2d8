"""How many forwards fixed steps need for the same quality, where quality is a number and not right or wrong."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from adaptive_diffusion.evaluation.intervals import RESAMPLES, Interval, bootstrap


class Graded(NamedTuple):
    """A sampler's quality (more is better) and NFE on the same queries as those it is compared with, [N] each."""

    quality: np.ndarray
    nfe: np.ndarray


def forwards_needed(quality: np.ndarray, forwards: np.ndarray, target: float) -> float:
    """Forwards after which a curve, given by its points, reaches the target.

    Between points the logarithm of the forwards is interpolated, and a point that is worse than a cheaper one does not
    count. A curve that ends below the target has needed those of its best point, one that begins above it those of its
    cheapest: the former is less than it would need, so a ratio to it errs against the adaptive sampler.
    """
    order = np.argsort(forwards, kind="stable")
    best, first = np.unique(np.maximum.accumulate(quality[order]), return_index=True)
    return float(np.exp(np.interp(target, best, np.log(forwards[order][first]))))


def nfe_ratio_at_equal_quality(
    policy: Graded, curve: Sequence[Graded], resamples: int = RESAMPLES, seed: int = 0
) -> Interval:
    """NFE that the curve needs for the policy's mean quality, over the policy's mean NFE; queries are resampled for
    all samplers together. Above 1 the policy is cheaper."""

    def ratio(weights: np.ndarray, *columns: np.ndarray) -> np.ndarray:
        means = weights @ np.stack(columns, 1) / weights.sum(1, keepdims=True)
        quality, forwards = means[:, ::2], means[:, 1::2]
        needed = [forwards_needed(q[1:], f[1:], q[0]) for q, f in zip(quality, forwards, strict=True)]
        return np.array(needed) / forwards[:, 0]

    columns = [column for graded in (policy, *curve) for column in graded]
    return bootstrap(ratio, *columns, resamples=resamples, seed=seed)
