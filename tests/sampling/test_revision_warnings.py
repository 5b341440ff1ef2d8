"""A rule that may revise and revises nothing is warned of."""

import warnings

import pytest
from any_rules import Hashing, K, L
from small_worlds import random_queries

from adaptive_diffusion.core.corruption import Absorbing
from adaptive_diffusion.rules.remasking import LowQuality
from adaptive_diffusion.sampling import Sampler


def test_a_rule_that_revised_nothing_warns():
    sampler = Sampler(Hashing(Absorbing(K), 1), remasking=LowQuality(0.0))
    with pytest.warns(UserWarning, match="LowQuality revised nothing in 3 answers"):
        sampler.sample(random_queries(3, L, K))


def test_a_rule_that_cannot_revise_and_one_that_does_are_silent():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        Sampler(Hashing(Absorbing(K), 1)).sample(random_queries(3, L, K))
        Sampler(Hashing(Absorbing(K), 1), remasking=LowQuality(0.9)).sample(random_queries(3, L, K))
