"""Acceptance that is not sticky, within a bound on the entropy."""

import pytest
import torch
from plan_cases import candidate, places
from small_worlds import prediction, sampler_state

from adaptive_diffusion.core.corruption import Uniform
from adaptive_diffusion.rules.plans.acceptance import EntropyBoundAcceptance


def test_acceptance_is_not_sticky_and_the_rest_is_noise():
    state = sampler_state([[0, 0, 1, 2]], committed=[[1, 1, 0, 0]], corruption=Uniform(3))
    made_prediction = prediction((1, 4), entropy=torch.tensor([[0.5, 0.05, 0.1, 0.7]]))
    decision = EntropyBoundAcceptance(0.1)(state, made_prediction, candidate([[1.0] * 4]))
    assert places(decision.write) == [[1, 2]]
    assert (places(decision.remask), places(decision.renoise)) == ([[0]], [[3]])
    assert not decision.settled.any()


@pytest.mark.parametrize(("gamma", "accepted"), [(0.25, [0, 1]), (0.2499, [0]), (0.75, [0, 1, 2]), (0.0, [0])])
def test_acceptance_reaches_its_bound_and_does_not_pass_it(gamma, accepted):
    state = sampler_state([[0, 1, 2, 0]] * 2, corruption=Uniform(3))
    made_prediction = prediction(
        (2, 4), entropy=torch.tensor([[0.25, 0.5, 1.0, 2.0], [0.0, 0.0, 0.0, 0.0]])
    )  # 0, .25, .75, 1.75
    assert places(EntropyBoundAcceptance(gamma)(state, made_prediction, candidate([[1.0] * 4] * 2)).write) == [
        accepted,
        [0, 1, 2, 3],
    ]
