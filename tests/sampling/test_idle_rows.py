"""A row ends with the step after which nothing can change any more, also where limits refuse revisions."""

import warnings
from dataclasses import replace

import pytest
from any_rules import CORRECTING, Hashing, K, L, samplers
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from small_worlds import random_queries

from adaptive_diffusion.config import compose_part, instantiate
from adaptive_diffusion.config.search import ConfigSearch
from adaptive_diffusion.core.corruption import Absorbing
from adaptive_diffusion.core.state import HaltReason
from adaptive_diffusion.models.policy import PolicyHead
from adaptive_diffusion.rules.halting import AllCommitted
from adaptive_diffusion.rules.revision_limits import LimitedPlan, RevisionLimits
from adaptive_diffusion.sampling import Sampler


class Progress:
    """Every step of a row that goes on has changed its sequence or moved its clock."""

    def __call__(self, done):
        before, after = done.before, done.after
        same = (before.tokens == after.tokens) & (before.committed == after.committed)
        idle = same.all(1) & (before.noise_level == after.noise_level) & (before.block == after.block)
        assert not (idle & before.running & after.running).any()


@settings(max_examples=150, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
@given(sampler=samplers(), seed=st.integers(0, 1000))
def test_a_step_that_cannot_change_anything_ends_the_row(sampler, seed):
    """Plans that count their steps or draw may wait; all others change something in every step, also where a limit
    refuses what they would revise, and so no row reaches the step limit."""
    plan = sampler.plan
    assume(not plan.bounded)
    limited = replace(sampler, limits=sampler.limits or RevisionLimits(each=1))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        result = limited.sample(random_queries(5, L, K, seed=seed), seed=seed, max_steps=500, observers=[Progress()])
    assert not (result.halt_reason == int(HaltReason.STEP_LIMIT)).any()


TIGHT = [RevisionLimits(each=0), RevisionLimits(each=1), RevisionLimits(total=3)]


@pytest.mark.parametrize("limits", TIGHT)
@pytest.mark.parametrize("plan", CORRECTING, ids=lambda plan: repr(plan))
def test_plans_that_correct_never_wait_for_a_refused_revision(plan, limits):
    sampler = Sampler(Hashing(Absorbing(K), 1), plan=plan, limits=limits)
    for seed in range(20):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)
            result = sampler.sample(random_queries(16, L, K, seed=seed), seed=seed, observers=[Progress()])
        assert (result.halt_reason == int(HaltReason.ALL_COMMITTED)).all()
        assert (result.nfe <= 2 * L + result.revisions).all()


@pytest.fixture(scope="module")
def limited_presets():
    """Every named sampler whose revising nothing but limits ends, without its halting rule."""
    model, found = Hashing(Absorbing(K), 1), {}
    model.heads = {"policy": PolicyHead(commit=0.8, doubt=0.6)}
    for name in ConfigSearch.of().choices("sampler"):
        recipe = instantiate(compose_part("sampler", name))
        parts = {**recipe.keywords.get("sampler", recipe).keywords, "halting": AllCommitted()}
        if parts.get("plan") is None or "absorbing" in parts["plan"].corruptions:
            sampler = Sampler(model, **parts)
            if type(sampler.full_plan) is LimitedPlan:
                found[name] = sampler
    return found


@pytest.mark.parametrize("limits", [RevisionLimits(total=0), *TIGHT])
@pytest.mark.parametrize("block_length", [None, 2])
def test_no_named_sampler_waits_for_a_refused_revision(limited_presets, limits, block_length):
    assert {"answer_probability", "correcting_learned", "learned", "policy", "searching"} <= limited_presets.keys()
    for name, sampler in limited_presets.items():
        tight = replace(sampler, limits=limits, block_length=block_length)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)
            result = tight.sample(random_queries(16, L, K), observers=[Progress()])
        assert (result.halt_reason == int(HaltReason.ALL_COMMITTED)).all(), name
