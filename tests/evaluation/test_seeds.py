"""The interval over seeds is Student's, worked out by hand."""

import numpy as np
import pytest
from scipy import stats

from adaptive_diffusion.evaluation.seeds import over_seeds


def test_three_seeds_by_hand():
    # Mean 2, s = 1, t(2) at 97.5% = 4.3027: half the width is 4.3027 / √3.
    found = over_seeds(np.array([1.0, 2.0, 3.0]))
    assert found == pytest.approx((2.0, 2 - 2.48414, 2 + 2.48414), abs=1e-4)


def test_of_differences_it_is_the_paired_t_test():
    ours, theirs = np.array([0.97, 0.98, 0.96, 0.99]), np.array([0.95, 0.97, 0.96, 0.96])
    described = stats.ttest_rel(ours, theirs).confidence_interval()
    assert over_seeds(ours - theirs)[1:] == pytest.approx((described.low, described.high))


def test_one_seed_has_no_interval_and_none_no_mean():
    found = over_seeds(np.array([0.5]))
    assert found.value == 0.5
    assert np.isnan([found.low, found.high]).all()
    with pytest.raises(ValueError, match="at least one seed"):
        over_seeds(np.array([]))
