"""Likelihood gain by hand."""

import math

import pytest
import torch
from small_worlds import decision, prediction, random_queries, sampler_state, transformer

from adaptive_diffusion.core.state import HaltReason
from adaptive_diffusion.rules.gain import LikelihoodGain
from adaptive_diffusion.sampling.sampler import Sampler

STATE = sampler_state([[9, 9, 3]], committed=[[0, 0, 1]])


def predicted(*confidence, standing=0.5):
    return prediction(
        (1, 3), confidence=torch.tensor([confidence]), current_token_probability=torch.full((1, 3), standing)
    )


def test_the_mean_is_over_what_would_be_answered():
    mean = LikelihoodGain().mean(STATE, predicted(0.5, 0.25, 0.9))
    assert mean.item() == pytest.approx(math.log(0.5 * 0.25 * 0.5) / 3)


@pytest.mark.parametrize(("later", "stops"), [(0.26, True), (0.5, False), (0.1, True)])
def test_it_stops_when_a_forward_gained_too_little(later, stops):
    rule = LikelihoodGain(least=0.05)
    first = {"carry": rule.init_carry(STATE, 5)}
    state = sampler_state([[9, 9, 3]], committed=[[0, 0, 1]], **first)
    assert not rule(state, predicted(0.5, 0.25, 0.9), decision(state)).stop.item()
    state = sampler_state(
        [[9, 9, 3]], committed=[[0, 0, 1]], carry=rule.update_carry(state, predicted(0.5, 0.25, 0.9), decision(state))
    )
    assert rule(state, predicted(0.5, later, 0.9), decision(state)).stop.item() == stops


def test_a_sampler_that_halts_by_it_takes_fewer_forwards_and_does_not_notice_its_batch():
    queries = random_queries(20, 9, 5)
    sampler = Sampler(transformer(), halting=LikelihoodGain(0.5))
    together = sampler.sample(queries)
    assert together.nfe.sum() < Sampler(transformer()).sample(queries).nfe.sum()
    assert HaltReason.RULE in together.halt_reason
    alone = sampler.sample(queries.take(slice(4, 5)))
    assert torch.equal(alone.answers[0], together.answers[4])
    assert alone.nfe[0] == together.nfe[4]
