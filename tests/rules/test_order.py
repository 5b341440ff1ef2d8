"""Orders: scores by hand, and the limits in which they agree."""

import math
from dataclasses import replace

import torch
from small_worlds import decision, prediction, sampler_state

from adaptive_diffusion.core.rule import Revision
from adaptive_diffusion.core.state import Candidate
from adaptive_diffusion.rules.klass import KLStability, StableOrQuota
from adaptive_diffusion.rules.order import Confidence, GumbelConfidence, LeftToRight, LowEntropy, Margin
from adaptive_diffusion.rules.top_k import best

MASKS = [[9, 9]]


def candidate(*probabilities):
    probability = torch.tensor([probabilities])
    return Candidate(torch.zeros(probability.shape, dtype=torch.int64), probability)


def test_each_order_scores_what_it_is_named_after():
    state = sampler_state(MASKS)
    made_prediction = prediction((1, 2), margin=torch.tensor([[0.1, 0.3]]), entropy=torch.tensor([[0.2, 0.1]]))
    assert torch.equal(Confidence()(state, made_prediction, candidate(0.5, 0.4)), torch.tensor([[0.5, 0.4]]))
    assert torch.equal(Margin()(state, made_prediction, candidate(0.5, 0.4)), torch.tensor([[0.1, 0.3]]))
    assert torch.equal(LowEntropy()(state, made_prediction, candidate(0.5, 0.4)), torch.tensor([[-0.2, -0.1]]))


def test_left_to_right_commits_the_first_open_position():
    state = sampler_state([[9, 9, 9], [9, 9, 9]], committed=[[0, 0, 0], [1, 0, 0]])
    scores = LeftToRight()(state, prediction((2, 3)), candidate(0.1, 0.9, 0.5))
    assert best(scores, state.open, torch.tensor([1, 1])).tolist() == [[True, False, False], [False, True, False]]


def test_gumbel_confidence_without_temperature_or_at_the_last_step_is_confidence():
    state, made_prediction, proposed = sampler_state(MASKS), prediction((1, 2)), candidate(0.5, 0.4)
    expected = torch.tensor([[0.5, 0.4]]).double().log()
    assert torch.equal(GumbelConfidence(4, temperature=0.0)(state, made_prediction, proposed), expected)
    last = replace(state, step=torch.tensor([3]))
    assert torch.equal(GumbelConfidence(4)(last, made_prediction, proposed), expected)
    assert not torch.equal(GumbelConfidence(4)(state, made_prediction, proposed), expected)


def distributions(first, second):
    """Two positions with probabilities (q, 1 − q) each."""
    p = torch.tensor([[[first, 1 - first], [second, 1 - second]]], dtype=torch.float64)
    return prediction((1, 2), log_probability=p.log())


def test_a_position_is_stable_after_two_still_steps_which_takes_three_predictions():
    rule, state = KLStability(epsilon=0.01, history=2, threshold=0.5), sampler_state(MASKS)
    state = replace(state, carry=rule.init_carry(state, 2))
    scores = []
    for made_prediction in [distributions(0.8, 0.3)] * 2 + [distributions(0.8, 0.6)]:
        scores.append(rule(state, made_prediction, candidate(0.8, 0.75)))
        carry = rule.update_carry(state, made_prediction, decision(state))
        state = replace(state, carry=carry, step=state.step + 1)
    expected = torch.tensor([[-0.2, -0.25], [-0.2, -0.25], [1.8, -0.25]])
    torch.testing.assert_close(torch.cat(scores), expected)


def test_the_divergence_must_stay_below_its_bound_and_confidence_strictly_above():
    kl = 0.8 * math.log(0.8 / 0.7) + 0.2 * math.log(0.2 / 0.3)
    for epsilon, threshold, certain in [(kl * 0.9999, 0.5, False), (kl * 1.0001, 0.5, True), (1.0, 0.8, False)]:
        rule, state = KLStability(epsilon=epsilon, history=1, threshold=threshold), sampler_state(MASKS)
        state = replace(state, carry=rule.init_carry(state, 2))
        state = replace(state, carry=rule.update_carry(state, distributions(0.7, 0.7), decision(state)))
        proposed = Candidate(torch.zeros(1, 2).long(), torch.tensor([[0.8, 0.8]], dtype=torch.float64))
        score = rule(state, distributions(0.8, 0.8), proposed)
        assert bool(score[0, 0] > 1) is certain, (epsilon, threshold)


def test_a_later_block_goes_on_with_the_history_of_the_block_before_it():
    """Two positions, a block each: the second is stable in the first forward of its block, where its history is 1."""
    rule = KLStability(epsilon=0.01, history=1, threshold=0.5)
    state = sampler_state(MASKS)
    state = replace(state, carry=rule.init_carry(state, 2))
    for step in range(2):
        state = replace(state, step=torch.tensor([step]))
        state = replace(state, carry=rule.update_carry(state, distributions(0.8, 0.7), decision(state)))
    state = replace(state, block=torch.tensor([1]), step=torch.tensor([0]))
    state = replace(state, carry=rule.init_carry(state, 2))
    assert (rule(state, distributions(0.8, 0.7), candidate(0.8, 0.7)) > 1).tolist() == [[True, True]]
    longer = KLStability(epsilon=0.01, history=2, threshold=0.5)
    assert (longer(state, distributions(0.8, 0.7), candidate(0.8, 0.7)) > 1).tolist() == [[False, False]]


def test_without_a_stable_position_klass_commits_the_even_quota():
    state = sampler_state([[9] * 5] * 3, step=torch.tensor([0, 2, 1]))
    score = torch.tensor([[-0.1] * 5, [-0.1] * 5, [1.9, 1.8, -0.1, -0.1, -0.1]])
    look, none = prediction((3, 5)), Revision.none(state)
    assert StableOrQuota(3)(state, look, score, none, state.noise_level).tolist() == [2, 1, 2]
    assert StableOrQuota(9)(state, look, score, none, state.noise_level).tolist() == [1, 1, 2]


def test_a_streak_broken_once_begins_anew():
    rule, state = KLStability(history=1, threshold=0.0), sampler_state(MASKS)
    state = replace(state, carry=rule.init_carry(state, 2))
    streaks = []
    for first in (0.8, 0.8, 0.4, 0.4):
        made_prediction = distributions(first, 0.5)
        streaks.append(rule.streak(state, made_prediction)[0].tolist())
        state = replace(state, carry=rule.update_carry(state, made_prediction, decision(state)))
    assert streaks == [[0, 0], [1, 1], [0, 2], [1, 3]]
