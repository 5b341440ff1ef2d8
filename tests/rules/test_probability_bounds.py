"""Bounds on probabilities: a number of percent is refused with the fix."""

from functools import partial

import pytest

from adaptive_diffusion.rules.adaptive import Quota
from adaptive_diffusion.rules.composed import Composed
from adaptive_diffusion.rules.klass import KLStability
from adaptive_diffusion.rules.learned_halting import LearnedHalting
from adaptive_diffusion.rules.order import Confidence
from adaptive_diffusion.rules.pace import Threshold
from adaptive_diffusion.rules.plans.editing import TokenEditing
from adaptive_diffusion.rules.plans.self_aware import SelfAwareKernel
from adaptive_diffusion.rules.plans.token_to_mask import ConfidentReplacement, LowTokenProbability, ProbabilityDrop
from adaptive_diffusion.rules.remasking import (
    BeginAnew,
    BeginAnewIfDoubted,
    LeastConfidentSpan,
    LowProbability,
    LowQuality,
    NoRemasking,
    RandomLowProbability,
)

INNER = Composed(Confidence(), Threshold(0.5), NoRemasking())
BOUNDED = (
    BeginAnew,
    BeginAnewIfDoubted,
    partial(ConfidentReplacement, INNER),
    KLStability,
    LearnedHalting,
    LeastConfidentSpan,
    LowProbability,
    LowQuality,
    partial(LowTokenProbability, INNER),
    partial(ProbabilityDrop, INNER),
    Quota,
    SelfAwareKernel,
    Threshold,
    partial(TokenEditing, INNER),
)


@pytest.mark.parametrize("rule", BOUNDED)
def test_a_threshold_in_percent_is_refused_with_the_fix(rule):
    with pytest.raises(ValueError, match=r"threshold=95.*0\.9"):
        rule(threshold=95)
    assert rule(threshold=1.0).threshold == 1


@pytest.mark.parametrize("bound", ["low", "high"])
def test_random_bounds_are_probabilities(bound):
    with pytest.raises(ValueError, match=f"{bound}=60 is no probability"):
        RandomLowProbability(**{bound: 60})


@pytest.mark.parametrize("threshold", [-1, -0.01, float("-inf")])
def test_a_threshold_below_every_probability_is_refused(threshold):
    with pytest.raises(ValueError, match=f"threshold={threshold} commits everything at once; use one from 0 to 1"):
        Threshold(threshold)
    assert Threshold(0).threshold == 0
