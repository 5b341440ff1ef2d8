"""Early tokens by hand: the threshold falls where neighbours are written."""

from dataclasses import replace

import pytest
import torch
from small_worlds import prediction, sampler_state

from adaptive_diffusion.core.state import Candidate
from adaptive_diffusion.rules.composed import Composed
from adaptive_diffusion.rules.order import Confidence
from adaptive_diffusion.rules.pace import FixedCount
from adaptive_diffusion.rules.plans.early_tokens import EarlyTokens
from adaptive_diffusion.rules.remasking import LowProbability, NoRemasking

ONE_A_STEP = Composed(Confidence(), FixedCount(1), NoRemasking())


def decide(rule, state, ratio, confidence):
    look = prediction(tuple(state.tokens.shape), top_ratio=torch.tensor(ratio))
    return rule(state, look, Candidate(torch.full_like(state.tokens, 3), torch.tensor(confidence)))


def test_the_threshold_counts_written_and_given_neighbours_on_both_sides():
    state = sampler_state([[1, 9, 2, 9, 9]], committed=[[0, 0, 1, 0, 0]], editable=[[0, 1, 1, 1, 1]])
    rule = EarlyTokens(ONE_A_STEP, high=5.0, low=1.0, decay=0.5, reach=2)
    # Neighbours at distances 1 and 2 weigh 1/2 and 1/4, of 3/2 in all: shares 1/6, 2/3, 1/6, 1/3, 1/6.
    shares = torch.tensor([[1 / 6, 2 / 3, 1 / 6, 1 / 3, 1 / 6]], dtype=torch.float64)
    torch.testing.assert_close(rule.threshold(state), 5 - 4 * shares)


def test_positions_at_their_threshold_are_committed_beside_those_of_the_inner_plan():
    state = sampler_state([[1, 9, 9, 9]], editable=[[0, 1, 1, 1]])
    rule = EarlyTokens(ONE_A_STEP, high=3.0, low=1.0, decay=0.5, reach=1)  # thresholds 2 beside the given, else 3
    made = decide(rule, state, [[9.0, 2.0, 2.9, 1.0]], [[0.0, 0.6, 0.7, 0.8]])
    assert made.write.tolist() == [[False, True, False, True]]
    assert made.settled.tolist() == [False]
    assert decide(rule, state, [[9.0, 2.0, 3.0, 1.0]], [[0.0, 0.6, 0.7, 0.8]]).settled.tolist() == [True]


def test_a_plan_that_revises_settles_by_itself():
    rule = EarlyTokens(replace(ONE_A_STEP, remasking=LowProbability(0.3)), high=1.0)
    look = {"top_ratio": torch.full((1, 2), 2.0), "current_token_probability": torch.zeros(1, 2)}
    made = rule(
        sampler_state([[9, 9]]), prediction((1, 2), **look), Candidate(torch.zeros(1, 2).long(), torch.ones(1, 2))
    )
    assert made.write.all()
    assert not made.settled.any()


@pytest.mark.parametrize("broken", [{"high": 0.5}, {"decay": 0.0}, {"decay": 1.5}, {"reach": 0}])
def test_settings_without_a_meaning_are_refused(broken):
    with pytest.raises(ValueError, match="must not exceed"):
        EarlyTokens(ONE_A_STEP, **broken)
