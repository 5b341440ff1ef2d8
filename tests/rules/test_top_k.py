"""Choosing the best positions of every row."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from plan_cases import places

from adaptive_diffusion.rules.top_k import best


@pytest.mark.parametrize(
    ("count", "chosen"), [(0, []), (1, [1]), (2, [1, 3]), (3, [0, 1, 3]), (4, [0, 1, 3]), (-1, [])]
)
def test_the_highest_scores_among_the_candidates_win_and_ties_go_to_the_left(count, chosen):
    score = torch.tensor([[0.2, 0.9, 5.0, 0.9]])
    among = torch.tensor([[True, True, False, True]])
    assert best(score, among, torch.tensor([count])).nonzero()[:, 1].tolist() == chosen


def test_every_row_has_its_own_count():
    score = torch.tensor([[3.0, 2.0, 1.0]] * 3)
    assert best(score, score > 0, torch.tensor([0, 1, 3])).sum(1).tolist() == [0, 1, 3]


def test_a_score_of_minus_infinity_still_beats_what_is_no_candidate():
    score = torch.tensor([[0.0, float("-inf"), 1.0]])
    among = torch.tensor([[False, True, False]])
    assert best(score, among, torch.tensor([1])).tolist() == [[False, True, False]]


@given(data=st.data())
def test_no_position_left_out_scores_higher_than_one_chosen(data):
    length = data.draw(st.integers(1, 8))
    score = torch.tensor([data.draw(st.lists(st.integers(-3, 3), min_size=length, max_size=length))]).float()
    among = torch.tensor([data.draw(st.lists(st.booleans(), min_size=length, max_size=length))])
    count = data.draw(st.integers(0, 9))
    chosen = best(score, among, torch.tensor([count]))
    assert not (chosen & ~among).any()
    assert chosen.sum() == min(count, int(among.sum()))
    left = among & ~chosen
    if chosen.any() and left.any():
        assert score[chosen].min() >= score[left].max()


def test_ties_go_to_the_left():
    score = torch.tensor([[1.0, 1.0, 2.0, 1.0]])
    assert places(best(score, torch.tensor([[True, True, True, True]]), torch.tensor([2]))) == [[0, 2]]
    assert places(best(score, torch.tensor([[False, True, True, True]]), torch.tensor([9]))) == [[1, 2, 3]]
