"""DDPD: one position a step, which a planner draws."""

from dataclasses import replace

import pytest
import torch
from plan_cases import candidate
from small_worlds import prediction, sampler_state

from adaptive_diffusion.core.corruption import Uniform
from adaptive_diffusion.core.draws import at_random
from adaptive_diffusion.rules.plans.ddpd import PlannedDenoising


def test_a_planner_draws_one_position_and_ends_when_it_expects_no_noise():
    decision = planned([[0.0, 1.0, 0.0], [0.0, 0.0, 0.0], [1.0, 0.0, 1.0]], [1, 1, 2], step=0, enough=0.5)
    state = sampler_state([[0, 1, 2]] * 3)
    assert decision.tokens_after(state).tolist() == [[0, 2, 2], [0, 1, 2], [0, 1, 1]]
    assert decision.settled.tolist() == [False, True, False]
    assert decision.noise_level.tolist() == pytest.approx([0.0, 0.0, 1 / 3])


def planned(chance, drawn, step, **options):
    """The decision on [0, 1, 2], where the candidates are [2, 2, 1] and the argmax [1, 0, 0]."""
    rows = len(chance)
    state = replace(sampler_state([[0, 1, 2]] * rows, corruption=Uniform(3)), step=torch.full((rows,), step))
    made_prediction = prediction(
        (rows, 3),
        planner=torch.tensor(chance, dtype=torch.float64).logit().clamp(-1e9, 1e9),
        planned=torch.tensor(drawn)[:, None] == torch.arange(3),
        current_token_probability=torch.full((rows, 3), 0.25),
        argmax=torch.tensor([[1, 0, 0]] * rows),
        confidence=torch.full((rows, 3), 0.5),
    )
    return PlannedDenoising(5, **options)(state, made_prediction, candidate([[0.9] * 3] * rows, [[2, 2, 1]] * rows))


@pytest.mark.parametrize(("expected", "settled"), [(0.4999, True), (0.5, False), (0.5001, False)])
def test_a_planner_may_end_a_row_in_which_it_expects_no_noise(expected, settled):
    decision = planned([[expected, 0.0, 0.0]], [0], step=0, enough=0.5)
    assert decision.settled.item() is settled
    assert decision.tokens_after(sampler_state([[0, 1, 2]])).tolist() == ([[0, 1, 2]] if settled else [[2, 1, 2]])
    assert not planned([[0.0, 0.0, 0.0]], [0], step=0).settled.any()  # by default it takes all of its steps


def test_the_last_planned_step_fills_what_is_still_doubtful():
    decision = planned([[0.5, 0.06, 0.04], [0.04, 0.04, 0.04]], [0, 0], step=4)
    assert decision.tokens_after(sampler_state([[0, 1, 2]] * 2)).tolist() == [[1, 0, 2], [2, 1, 2]]
    assert decision.probability.flatten().tolist() == pytest.approx([0.5, 0.5, 0.25, 0.9, 0.25, 0.25])
    assert decision.settled.all()


def test_a_position_is_drawn_with_its_weight():
    uniform = (torch.arange(1000).double() + 0.5) / 1000
    weight = torch.tensor([0.2, 0.5, 0.3, 9.0]).log().expand(1000, 4)
    among = torch.tensor([True, True, True, False]).expand(1000, 4)
    drawn = at_random(weight, among, uniform)
    assert drawn.sum(0).tolist() == [200, 500, 300, 0]
    assert not at_random(weight, among & False, uniform).any()
