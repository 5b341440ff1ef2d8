"""Plans under uniform noise: posterior, routes, sweeps, κ and the greedy tail."""

from dataclasses import replace

import pytest
import torch
from plan_cases import candidate
from small_worlds import prediction, sampler_state

from adaptive_diffusion.core.corruption import Uniform
from adaptive_diffusion.core.prediction import Logits
from adaptive_diffusion.rules.plans.psi import (
    ConstantKappa,
    ConstantRemasking,
    GreedyTail,
    PsiDraw,
    RescaledRemasking,
)
from adaptive_diffusion.rules.plans.uniform import Clock, Gibbs, Posterior, UniformPosterior, routes


def test_the_greedy_tail_takes_one_more_forward_for_its_argmax():
    plan = GreedyTail(UniformPosterior(2))
    state = sampler_state([[0, 1]] * 2, corruption=Uniform(3), noise_level=torch.tensor([0.5, 0.0]).double())
    made_prediction = prediction(
        (2, 2),
        posterior=torch.tensor([[0, 2]] * 2),
        posterior_probability=torch.ones(2, 2),
        argmax=torch.tensor([[2, 2]] * 2),
        confidence=torch.ones(2, 2),
    )
    decision = plan(replace(state, step=torch.tensor([1, 2])), made_prediction, candidate([[1.0] * 2] * 2))
    assert decision.tokens_after(state).tolist() == [[0, 2], [2, 2]]
    assert decision.settled.tolist() == [False, True]
    assert plan.horizon(9) == 3


def test_kappa_is_what_remasking_leaves():
    now, later = torch.tensor([0.5, 0.9]).double(), torch.tensor([0.6, 0.99]).double()
    assert ConstantKappa(0.3)(now, later).tolist() == [0.3, 0.3]
    assert ConstantRemasking(0.2)(now, later).tolist() == pytest.approx([0.5, 0.0])
    assert RescaledRemasking(0.1)(now, later).tolist() == pytest.approx([1 - 0.08 / 0.4, 1 - 0.1 / 0.9])


def test_sweeps_count_inside_the_budget_and_the_last_step_predicts():
    steps, clock = torch.arange(10), Clock(9, 2)
    assert clock.predicts(steps[:9]).tolist() == [True, False, False, True, False, False, True, True, True]
    assert clock.level(steps).tolist() == pytest.approx([1, 0.8, 0.8, 0.8, 0.6, 0.6, 0.6, 0.4, 0.2, 0])
    assert (clock.corrected, clock.predictor_steps) == (2, 5)
    assert Clock(4).level(torch.arange(5)).tolist() == [1.0, 0.75, 0.5, 0.25, 0.0]


@pytest.mark.parametrize(("t", "s"), [(1.0, 0.75), (0.5, 0.25), (0.5, 0.0), (1.0, 0.0)])
def test_the_posterior_is_bayes_rule(t, s):
    """q(x_s | x_t) ∝ q(x_t | x_s)·q(x_s) with q(x_s) from the leave-one-out prediction."""
    p, standing, steps = torch.tensor([0.7, 0.2, 0.1], dtype=torch.float64), 1, round(1 / (t - s))
    state = sampler_state([[standing]] * 600, corruption=Uniform(3), noise_level=torch.full((600,), t).double())
    state = replace(state, step=torch.full((600,), round((1 - t) * steps)))
    here = torch.arange(600), torch.zeros(600, dtype=torch.int64)
    read = Posterior(Clock(steps))(Logits(p.log().expand(600, 3), state, *here))
    retained = (1 - t) / (1 - s)
    now = (1 - s) * p + s / 3
    seen = torch.full((3,), (1 - retained) / 3).double()
    seen[standing] += retained
    expected = now * seen / (now * seen).sum()
    torch.testing.assert_close(read["posterior_probability"], expected[read["posterior"]])
    assert set(read["posterior"].tolist()) == set(expected.nonzero()[:, 0].tolist())


@pytest.mark.parametrize("statistic", [Posterior(Clock(4)), PsiDraw(Clock(4), ConstantKappa(0.5)), Gibbs()])
def test_a_token_that_is_no_noise_changes_nothing_and_is_never_drawn(statistic):
    """A denoiser of symbols has a logit, −∞, for padding too; noise is drawn from the symbols."""
    here = torch.arange(400), torch.zeros(400, dtype=torch.int64)
    state = sampler_state([[1]] * 400, corruption=Uniform(3), noise_level=torch.full((400,), 0.75).double())
    state = replace(state, step=torch.ones(400, dtype=torch.int64))
    logits = torch.tensor([[0.7, 0.2, 0.1]]).log().expand(400, 3)
    padded = torch.cat([logits, torch.full((400, 1), -torch.inf)], 1)
    expected, found = (statistic(Logits(values, state, *here)) for values in (logits, padded))
    assert expected.keys() == found.keys()
    for name, value in expected.items():
        torch.testing.assert_close(found[name], value, rtol=1e-12, atol=0)


def test_the_routes_by_hand():
    level = torch.tensor([0.5], dtype=torch.float64)  # α_t = 1/2, α_s = 3/4, a = 2/3, K = 2
    state = sampler_state([[0, 0]], corruption=Uniform(2), noise_level=level)
    clean, stay = routes(state, candidate([[0.5, 0.5]], [[0, 1]]), 2, torch.tensor([0.25]).double())
    masses = torch.tensor([[1 / 8 + 1 / 2, 1 / 12, 1 / 24], [1 / 8, 1 / 12, 1 / 24]], dtype=torch.float64)
    expected = masses / masses.sum(1, keepdim=True)
    torch.testing.assert_close(clean[0], expected[:, 0])
    torch.testing.assert_close(stay[0], expected[:, 1])
