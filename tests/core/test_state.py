"""State and decision: rows gathered and overwritten, and what is open, revisable and answered."""

import torch
from small_worlds import decision, sampler_state

from adaptive_diffusion.core.state import HALT_SENTENCES, HaltReason


def three_rows():
    return sampler_state(
        [[9, 1, 2], [3, 9, 9], [4, 5, 6]],
        committed=[[0, 1, 0], [1, 0, 0], [1, 1, 1]],
        editable=[[1, 1, 0], [1, 1, 1], [1, 1, 1]],
        step=torch.tensor([1, 2, 3]),
        carry={"rule.count": torch.tensor([[1.0], [2.0], [3.0]])},
    )


def test_rows_are_taken_in_the_order_of_the_index():
    taken = three_rows().take(torch.tensor([2, 0]))
    assert taken.tokens.tolist() == [[4, 5, 6], [9, 1, 2]]
    assert taken.step.tolist() == [3, 1]
    assert taken.carry["rule.count"].tolist() == [[3.0], [1.0]]


def test_rows_are_put_into_a_copy():
    state = three_rows()
    changed = state.put(torch.tensor([1]), state.take(torch.tensor([2])))
    assert changed.tokens.tolist() == [[9, 1, 2], [4, 5, 6], [4, 5, 6]]
    assert changed.carry["rule.count"].tolist() == [[1.0], [3.0], [3.0]]
    assert state.tokens.tolist() == [[9, 1, 2], [3, 9, 9], [4, 5, 6]]


def test_what_is_taken_and_put_back_leaves_everything_as_it_was():
    state, index = three_rows(), torch.tensor([2, 0])
    again = state.put(index, state.take(index))
    for name in ("tokens", "committed", "key", "noise_level", "step", "halt_reason", "commit_step"):
        assert torch.equal(getattr(again, name), getattr(state, name))


def test_positions_are_given_committed_or_open():
    state = three_rows()
    assert state.open.tolist() == [[True, False, False], [False, True, True], [False, False, False]]
    assert state.revisable.tolist() == [[False, True, False], [True, False, False], [True, True, True]]
    assert state.status.tolist() == [[2, 1, 0], [1, 2, 2], [1, 1, 1]]


def test_outside_its_block_nothing_is_open_or_revisable():
    state = sampler_state([[9, 1, 9, 2]], committed=[[0, 1, 0, 1]], eligible=torch.tensor([[True, True, False, False]]))
    assert state.open.tolist() == [[True, False, False, False]]
    assert state.revisable.tolist() == [[False, True, False, False]]


def test_a_decision_leaves_open_what_it_does_not_write_and_what_it_takes_back():
    state = sampler_state([[9, 9, 1, 2]], committed=[[0, 0, 1, 1]])
    made = decision(
        state, write=torch.tensor([[True, False, False, True]]), remask=torch.tensor([[False, True, True, False]])
    )
    assert made.still_open(state).tolist() == [[False, True, True, False]]
    assert made.tokens_after(state).tolist() == [[0, 9, 1, 0]]


def test_a_decision_does_not_write_outside_what_is_eligible():
    state = sampler_state([[7, 9]], editable=[[0, 1]])
    assert decision(state, write=torch.tensor([[True, True]])).tokens_after(state).tolist() == [[7, 0]]


def test_every_halt_reason_but_the_rules_own_has_a_sentence():
    assert set(HALT_SENTENCES) == set(HaltReason) - {HaltReason.RULE}
    assert all(len(sentence.split()) >= 2 for sentence in HALT_SENTENCES.values())
