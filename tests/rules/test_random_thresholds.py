"""The rules of on-policy training, whose thresholds are each row's own."""

from dataclasses import replace

import pytest
import torch
from scipy import stats
from small_worlds import prediction, sampler_state

from adaptive_diffusion.core.rule import Revision
from adaptive_diffusion.rules.pace import RandomThreshold
from adaptive_diffusion.rules.remasking import RandomLowProbability

ROWS, GRID = 400, torch.linspace(0, 1, 2001)


def committed_from(pace, state):
    """[B] the lowest score of a fine grid that the pace still commits."""
    score = GRID.expand(ROWS, -1)
    count = pace(state, prediction(tuple(score.shape)), score, Revision.none(state), pace.next_level(state))
    return GRID[len(GRID) - count]


def test_the_pace_draws_thresholds_log_uniform_in_one_minus_tau():
    state = sampler_state([[9] * len(GRID)] * ROWS)
    tau = committed_from(RandomThreshold(0.5, 0.99), state)
    assert tau.min() >= 0.5
    assert tau.max() <= 0.9905
    place = (1 - tau.double()).log()
    low, high = torch.tensor([0.01, 0.5]).double().log().tolist()
    assert stats.kstest(((place - low) / (high - low)).numpy(), "uniform").pvalue > 1e-4


def test_a_row_keeps_its_threshold_for_all_of_its_steps():
    state = sampler_state([[9] * len(GRID)] * ROWS)
    pace = RandomThreshold()
    later = replace(state, step=state.step + 3)
    assert torch.equal(committed_from(pace, state), committed_from(pace, later))


def test_the_pace_commits_at_least_one():
    state = sampler_state([[9, 9]] * 5)
    score = torch.zeros(5, 2)
    assert (
        RandomThreshold()(state, prediction((5, 2)), score, Revision.none(state), state.noise_level).tolist() == [1] * 5
    )


@pytest.mark.parametrize(("low", "high"), [(0.5, 0.5), (0.9, 0.5), (-0.1, 0.5), (0.5, 1.0)])
def test_bounds_out_of_order_are_refused(low, high):
    with pytest.raises(ValueError, match=f"bounds {low} and {high}"):
        RandomThreshold(low, high)


def test_remasking_draws_thresholds_uniform_between_its_bounds():
    state = sampler_state([[1] * len(GRID)] * ROWS, committed=[[1] * len(GRID)] * ROWS)
    made_prediction = prediction(tuple(state.tokens.shape), current_token_probability=GRID.expand(ROWS, -1))
    rule = RandomLowProbability(0.1, 0.6)
    remasked = rule(state, made_prediction, state.noise_level).remask
    threshold = remasked.sum(1) / len(GRID)
    assert stats.kstest(((threshold - 0.1) / 0.5).numpy(), "uniform").pvalue > 1e-4
    assert torch.equal(remasked, rule(replace(state, step=state.step + 5), made_prediction, state.noise_level).remask)


def test_only_committed_positions_can_be_remasked():
    state = sampler_state([[1, 9, 1]], committed=[[1, 0, 0]], editable=[[1, 1, 0]])
    made_prediction = prediction((1, 3), current_token_probability=torch.zeros(1, 3))
    assert RandomLowProbability()(state, made_prediction, state.noise_level).remask.tolist() == [[True, False, False]]
