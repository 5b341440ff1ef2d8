"""Commit, replace, remask: one step by hand, and a policy that begins as its thresholds."""

import pytest
import torch
from small_worlds import prediction, sampler_state

from adaptive_diffusion.core.state import Candidate
from adaptive_diffusion.models.policy import PolicyHead
from adaptive_diffusion.rules.plans.correcting import CommitReplaceRemask, LearnedRevising, position_summaries

TOKEN = torch.tensor([[1, 1, 1, 1, 1]])
SURE = torch.tensor([[0.9, 0.6, 0.9, 0.5, 0.95]])
STANDING = torch.tensor([[0.0, 0.0, 0.1, 0.1, 0.95]])


def state(committed=(0, 0, 1, 1, 1), tokens=(9, 9, 2, 2, 1)):
    return sampler_state([list(tokens)], committed=[list(committed)])


def predicted(**changed):
    values = {"confidence": SURE, "current_token_probability": STANDING, "entropy": 1 - SURE} | changed
    return prediction((1, 5), argmax=TOKEN, **values)


def test_one_forward_commits_replaces_and_remasks():
    made = CommitReplaceRemask(commit=0.7, doubt=0.3, replace=0.8)(state(), predicted(), Candidate(TOKEN, SURE))
    assert made.write.tolist() == [[True, False, True, False, False]]
    assert made.remask.tolist() == [[False, False, False, True, False]]
    assert not made.settled.any()
    assert float(made.noise_level[0]) == pytest.approx(2 / 5)


def test_a_suspect_whose_only_other_candidate_is_itself_is_remasked():
    standing = state(tokens=(9, 9, 1, 2, 1))
    made = CommitReplaceRemask(0.7, 0.3, 0.8)(standing, predicted(), Candidate(TOKEN, SURE))
    assert made.remask.tolist() == [[False, False, True, True, False]]


def test_something_is_written_while_anything_is_open():
    unsure = predicted(confidence=SURE * 0.5, current_token_probability=torch.ones(1, 5))
    made = CommitReplaceRemask(0.7)(state(), unsure, Candidate(TOKEN, SURE * 0.5))
    assert made.write.tolist() == [[True, False, False, False, False]]


def test_a_full_sequence_without_suspects_is_settled():
    content = predicted(current_token_probability=torch.ones(1, 5))
    made = CommitReplaceRemask()(state(committed=(1,) * 5), content, Candidate(TOKEN, SURE))
    assert made.settled.all()
    assert not made.write.any()


def test_a_fresh_policy_decides_as_its_thresholds():
    head = PolicyHead(commit=0.8, doubt=0.3)
    learned = LearnedRevising(head=head, replace=0.8)(state(), predicted(), Candidate(TOKEN, SURE))
    ruled = CommitReplaceRemask(0.8, 0.3, 0.8)(state(), predicted(), Candidate(TOKEN, SURE))
    assert torch.equal(learned.write, ruled.write)
    assert torch.equal(learned.remask, ruled.remask)


def test_a_drawing_policy_changes_each_position_at_its_rate():
    rows = 4000
    many = sampler_state([[9, 2]] * rows, committed=[[0, 1]] * rows)
    logit = torch.tensor([[1.0, -1.0]]).expand(rows, 2)
    changes = LearnedRevising(head=PolicyHead(), draws=True).changes(many, logit)
    expected = torch.tensor([1.0, -1.0]).sigmoid().double()
    assert (changes.double().mean(0) - expected).abs().max() < 5 * 0.5 / rows**0.5


def test_summaries_of_impossible_and_certain_tokens_are_finite():
    edge = predicted(confidence=torch.ones(1, 5), current_token_probability=torch.zeros(1, 5))
    assert position_summaries(state(), edge).isfinite().all()


def test_a_threshold_that_is_no_probability_is_refused():
    with pytest.raises(ValueError, match="between 0 and 1"):
        PolicyHead(commit=1.0)
