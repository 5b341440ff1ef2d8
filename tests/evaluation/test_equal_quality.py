"""Forwards at equal quality, by hand."""

import numpy as np
import pytest

from adaptive_diffusion.evaluation.equal_quality import Graded, forwards_needed, nfe_ratio_at_equal_quality

QUALITY, FORWARDS = np.array([0.2, 0.6, 0.5, 0.8]), np.array([1.0, 4.0, 8.0, 16.0])


@pytest.mark.parametrize(
    ("target", "needed"),
    [
        (0.2, 1),
        (0.4, 2),  # halfway, so the root of 1 · 4
        (0.6, 4),
        (0.7, 8),  # the root of 4 · 16: the point at 8 is worse than that at 4
        (0.8, 16),
        (0.9, 16),  # never reached
        (0.1, 1),  # reached from the start
    ],
)
def test_between_points_the_logarithm_is_interpolated(target, needed):
    shuffled = np.array([2, 0, 3, 1])
    assert forwards_needed(QUALITY[shuffled], FORWARDS[shuffled], target) == pytest.approx(needed)


def test_a_plateau_costs_what_its_first_point_costs():
    assert forwards_needed(np.array([0.2, 0.6, 0.6]), np.array([1.0, 4.0, 8.0]), 0.6) == pytest.approx(4)


def test_the_ratio_is_that_of_the_means_and_lies_in_its_interval():
    rng = np.random.default_rng(0)
    ease = rng.random(300)
    curve = [Graded((ease < q).astype(float), np.full(300, f)) for q, f in zip(QUALITY, FORWARDS, strict=True)]
    policy = Graded((ease < 0.7).astype(float), rng.integers(1, 4, 300).astype(float))
    found = nfe_ratio_at_equal_quality(policy, curve, resamples=200)
    points = [(graded.quality.mean(), graded.nfe.mean()) for graded in curve]
    needed = forwards_needed(*np.array(points).T, policy.quality.mean())
    assert found.value == pytest.approx(needed / policy.nfe.mean())
    assert found.low < found.value < found.high
