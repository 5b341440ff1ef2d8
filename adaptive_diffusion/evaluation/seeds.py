"""What is known over repetitions with other seeds."""

import numpy as np
from scipy import stats

from adaptive_diffusion.evaluation.intervals import Interval


def over_seeds(values: np.ndarray, confidence: float = 0.95) -> Interval:
    """Mean of one value a seed [S] with Student's interval, mean ± t(S − 1)·s/√S; its ends are NaN for one seed.

    Of paired differences it is the interval of the paired t-test (Student 1908). Raises `ValueError` for no values.
    """
    if not len(values):
        raise ValueError("a mean over seeds needs at least one seed")
    middle = float(np.mean(values))
    if len(values) == 1:
        return Interval(middle, np.nan, np.nan)
    half = stats.t.ppf((1 + confidence) / 2, len(values) - 1) * np.std(values, ddof=1) / np.sqrt(len(values))
    return Interval(middle, middle - float(half), middle + float(half))
