"""Any combination of rules ends within its counts, leaves what is given, and treats every row alone."""

import warnings

import pytest
import torch
from any_rules import HALTING, ORDERS, PACES, PLANS, REMASKING, Hashing, K, L, samplers
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from small_worlds import random_queries

from adaptive_diffusion.core.corruption import Absorbing, Uniform
from adaptive_diffusion.core.state import HaltReason
from adaptive_diffusion.rules.halting import (
    StableAndConfident,
)
from adaptive_diffusion.rules.proposal import Draw
from adaptive_diffusion.sampling import Sampler
from adaptive_diffusion.sampling.step import step


class Watch:
    """Checks every step: what is given stays, halted rows rest, revisions are what the sequences show."""

    def __init__(self, sampler):
        self.ends_answer, self.ends_text = sampler.halting.ends_answer, bool(sampler.end_tokens)

    def __call__(self, done):
        before, after = done.before, done.after
        frozen = ~before.editable
        assert torch.equal(after.tokens[frozen], before.tokens[frozen])
        ended = ((after.halt_reason == HaltReason.RULE) & self.ends_answer) | (~after.running & self.ends_text)
        beyond = ~before.eligible & ~ended[:, None]
        assert torch.equal(after.tokens[beyond], before.tokens[beyond])
        assert not (after.committed & frozen).any()
        assert (done.answer[before.running[:, None] & before.eligible] < K).all()
        stopped = ~before.running
        assert torch.equal(after.tokens[stopped], before.tokens[stopped])
        remasked = before.committed & ~after.committed
        retained = before.committed & after.committed & after.running[:, None]
        replaced = retained & (before.tokens != after.tokens)
        counted = after.revisions - before.revisions
        assert torch.equal(counted[after.running].bool(), (remasked | replaced)[after.running])


@settings(max_examples=150, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
@given(sampler=samplers(), seed=st.integers(0, 1000), limit=st.integers(1, 12))
def test_any_combination_of_rules(sampler, seed, limit):
    queries = random_queries(5, L, K, seed=seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        sampler.denoiser.calls.clear()
        result = sampler.sample(queries, seed=seed, slots=5, max_steps=limit, observers=[Watch(sampler)])
        calls = torch.tensor([sampler.denoiser.calls[int(query)] for query in queries.ids])
        alone = sampler.sample(queries.take(slice(3, 4)), seed=seed, max_steps=limit)
    forwards = sampler.denoiser.forwards
    blocks = -(-L // (sampler.block_length or L))
    assert (result.nfe <= limit * forwards * blocks).all()
    assert torch.equal(result.nfe, calls * forwards)
    assert (result.halt_reason > 0).all()
    assert ((result.answers >= 0) & (result.answers < K)).all()
    assert torch.equal(result.answers[~queries.editable], queries.tokens[~queries.editable])
    assert torch.equal(alone.answers[0], result.answers[3])
    assert (alone.nfe[0], alone.halt_reason[0]) == (result.nfe[3], result.halt_reason[3])
    assert alone.revisions[0] == result.revisions[3]


def tensors(state):
    named = {name: value for name, value in vars(state).items() if isinstance(value, torch.Tensor)}
    return named | dict(state.carry)


RULES = {"order": ORDERS, "pace": PACES, "remasking": REMASKING, "plan": PLANS, "halting": HALTING}


@pytest.mark.parametrize(
    ("role", "rule"),
    [pytest.param(role, rule, id=type(rule).__name__) for role, rules in RULES.items() for rule in rules],
)
def test_a_step_leaves_its_input_as_it_was_and_can_be_made_again(role, rule):
    kind = Absorbing(K) if "absorbing" in rule.corruptions else Uniform(K)
    sampler = Sampler(Hashing(kind, 1), proposal=Draw(), **({"halting": StableAndConfident(2)} | {role: rule}))
    state = sampler.begin(random_queries(4, L, K), torch.zeros(4, dtype=torch.int64), seed=0)
    for _ in range(3):
        before = {name: value.clone() for name, value in tensors(state).items()}
        after = step(sampler, state, 9).after
        assert all(torch.equal(value, before[name]) for name, value in tensors(state).items())
        again = tensors(step(sampler, state, 9).after)
        assert all(torch.equal(value, again[name]) for name, value in tensors(after).items())
        state = after


def test_the_default_limit_ends_every_plan():
    for plan in PLANS:
        kind = Absorbing(K) if "absorbing" in plan.corruptions else Uniform(K)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)
            result = Sampler(Hashing(kind, 1), plan=plan, proposal=Draw()).sample(random_queries(3, L, K))
        assert (result.nfe <= plan.horizon(L)).all()
