"""Rules declare whether they draw: a sampler that draws nothing gives equal variations."""

import warnings

import pytest
from any_rules import Hashing, K, L, samplers
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from small_worlds import random_queries

from adaptive_diffusion.config import named_sampler
from adaptive_diffusion.config.instantiation import instantiate
from adaptive_diffusion.core.corruption import Absorbing, Uniform
from adaptive_diffusion.core.row_noise import RowNoise
from adaptive_diffusion.runs.variations import draws

BY_THE_MODEL = {"planner"}


@settings(max_examples=150, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(sampler=samplers(), seed=st.integers(0, 1000))
def test_sampler_that_asks_for_uniforms_declares_that_it_draws(sampler, seed):
    asked = set()

    def noted(method):
        def noting(noise, purpose, *arguments):
            asked.add(purpose)
            return method(noise, purpose, *arguments)

        return noting

    with pytest.MonkeyPatch.context() as patch, warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        patch.setattr(RowNoise, "_stream", noted(RowNoise._stream))
        patch.setattr(RowNoise, "once_a_query", noted(RowNoise.once_a_query))
        sampler.sample(random_queries(3, L, K, seed=seed), seed=seed, max_steps=60)
    assert draws(sampler) >= bool(asked - BY_THE_MODEL)


@pytest.mark.parametrize(
    ("name", "corruption", "expected"),
    [
        ("confidence", Absorbing(K), False),
        ("confidence", Uniform(K), True),
        ("threshold_remasking", Absorbing(K), False),
        ("token_editing", Absorbing(K), False),
        ("mdlm", Absorbing(K), True),
        ("remdm_cap", Absorbing(K), True),
        ("restart", Absorbing(K), True),
        ("gidd", Absorbing(K), True),
        ("uniform_bound", Uniform(K), True),
    ],
)
def test_presets_that_draw(name, corruption, expected):
    assert draws(instantiate(named_sampler(name).node)(Hashing(corruption, 1))) is expected
