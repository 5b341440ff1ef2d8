"""Learned halting: the threshold at its boundary, and the inputs of the head."""

import math
from dataclasses import replace

import pytest
import torch
from small_worlds import decision, prediction, sampler_state

from adaptive_diffusion.core.logit_statistics import CurrentTokenProbability, Entropy, Top
from adaptive_diffusion.core.step_summaries import step_summaries
from adaptive_diffusion.rules.learned_halting import LearnedHalting

SUMMARIES = {
    "argmax": torch.tensor([[5, 6, 7, 8]]),
    "confidence": torch.tensor([[0.9, 0.8, 0.7, 0.6]]),
    "margin": torch.tensor([[0.5, 0.4, 0.3, 0.2]]),
    "current_token_probability": torch.tensor([[0.0, 0.1, 0.2, 0.3]]),
    "entropy": torch.tensor([[1.0, 1.1, 1.2, 1.3]]),
}


@pytest.mark.parametrize(("logit", "stop"), [(0.0, True), (1e-6, True), (-1e-6, False), (30.0, True), (-30.0, False)])
def test_the_row_stops_when_its_probability_reaches_the_threshold(logit, stop):
    state = sampler_state([[9, 9, 1, 2]], committed=[[0, 0, 1, 1]])
    rule = LearnedHalting(head=lambda hidden, summaries, editable: torch.tensor([logit]), threshold=0.5)
    halt_decision = rule(state, prediction((1, 4), **SUMMARIES), decision(state))
    assert halt_decision.stop.tolist() == [stop]
    assert halt_decision.probability.tolist() == pytest.approx([1 / (1 + math.exp(-logit))])
    assert (rule.reason, rule.sentence) == ("learned", "the halting head is sure enough that the answer is right")


def test_rows_stop_on_their_own():
    state = sampler_state([[9], [9], [9]])
    rule = LearnedHalting(head=lambda hidden, summaries, editable: torch.tensor([-1.0, 3.0, 2.0]))
    made_prediction = prediction((3, 1), **{name: torch.zeros(3, 1) for name in SUMMARIES})
    stop = rule(state, made_prediction, decision(state)).stop
    assert stop.tolist() == [False, True, False]  # σ(2) = 0.881, σ(3) = 0.953


def test_the_head_gets_the_candidate_of_each_position():
    # open and left open; open and written; committed and kept; committed and taken back
    revisions = torch.tensor([[2, 0, 0, 0]], dtype=torch.int32)
    state = sampler_state([[9, 9, 1, 2]], committed=[[0, 0, 1, 1]], revisions=revisions, step=torch.tensor([3]))
    made = decision(
        state, write=torch.tensor([[False, True, False, False]]), remask=torch.tensor([[False, False, False, True]])
    )
    described = step_summaries(state, prediction((1, 4), **SUMMARIES), made)
    expected = [
        [0.9, 0.5, 1, 0, 0.9, 1.0, 2, 0.3, 1, 0.9],
        [0.8, 0.4, 0, 0, 0.8, 1.1, 0, 0.3, 1, 0.8],
        [0.7, 0.3, 0, 0, 0.2, 1.2, 0, 0.3, 1, 0.2],
        [0.6, 0.2, 1, 1, 0.6, 1.3, 0, 0.3, 1, 0.6],
    ]
    torch.testing.assert_close(described, torch.tensor([expected]))


def test_the_last_two_summaries_compare_the_step_with_the_one_before():
    state = sampler_state([[9, 9, 1, 2]], committed=[[0, 0, 1, 1]])
    seen = prediction((1, 4), **SUMMARIES)
    made = decision(state, remask=torch.tensor([[False, False, False, True]]))
    rule = LearnedHalting(head=lambda *_: torch.zeros(1))
    carry = rule.init_carry(state, 9)
    assert step_summaries(replace(state, carry=carry), seen, made)[0, :, 8].tolist() == [1, 1, 1, 1]
    carry = rule.update_carry(replace(state, carry=carry), seen, made)
    assert carry["summaries.token"].tolist() == [[5, 6, 1, 8]]
    # In the next step the second position's prediction is another token, and the first one is more probable.
    later = {**SUMMARIES, "confidence": torch.tensor([[1.0, 0.8, 0.7, 0.6]]), "argmax": torch.tensor([[5, 3, 7, 8]])}
    found = step_summaries(replace(state, carry=carry), prediction((1, 4), **later), made)[0, :, 8:]
    torch.testing.assert_close(found, torch.tensor([[0, 0.1], [1, 0], [0, 0], [0, 0]]))


def test_learned_halting_declares_the_statistics_its_head_needs():
    rule = LearnedHalting(head=lambda *_: torch.zeros(1))
    assert set(rule.logit_statistics()) == {Top(), CurrentTokenProbability(), Entropy()}
    assert rule.reads_committed


@pytest.mark.parametrize("threshold", [90, -0.1])
def test_threshold_that_is_no_probability_is_refused(threshold):
    with pytest.raises(ValueError, match=f"threshold={threshold} is no probability"):
        LearnedHalting(threshold)
