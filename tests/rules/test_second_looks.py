"""Second looks at committed tokens: editing and token to mask."""

from dataclasses import replace

import pytest
import torch
from plan_cases import ONE_A_STEP, M, candidate, carried, places
from small_worlds import prediction, sampler_state

from adaptive_diffusion.rules.plans.editing import TokenEditing
from adaptive_diffusion.rules.plans.token_to_mask import ConfidentReplacement, LowTokenProbability, ProbabilityDrop


def edited(probability, tokens, extra=0, committed=(1, 1, 0)):
    plan = TokenEditing(ONE_A_STEP, threshold=0.9, extra=2)
    state = sampler_state([[0, 0, 0 if all(committed) else M]], committed=[list(committed)])
    state = carried(plan, state, **{"editing.extra": torch.tensor([extra])})
    return plan(state, prediction((1, 3)), candidate([probability], [tokens]))


def test_confident_second_thoughts_replace_what_stands():
    assert places(edited([0.91, 0.91, 0.5], [1, 0, 0]).write) == [[0, 2]]  # the second is what stands already
    assert places(edited([0.9, 0.89, 0.5], [1, 1, 0]).write) == [[2]]


def test_editing_ends_when_nothing_is_edited_or_the_extra_steps_are_spent():
    full = (1, 1, 1)
    assert edited([0.5, 0.5, 0.5], [1, 1, 1], committed=full).settled.item()
    assert not edited([0.95, 0.5, 0.5], [1, 1, 1], committed=full).settled.item()
    assert edited([0.95, 0.5, 0.5], [1, 1, 1], extra=1, committed=full).settled.item()
    assert not edited([0.95, 0.5, 0.5], [1, 1, 1]).settled.item()
    assert not edited([0.5, 0.5, 0.5], [1, 1, 1]).settled.item()  # full from here on, but not looked at yet


def refined(plan, state, probability, tokens, **summaries):
    summaries = {name: torch.tensor([value]) for name, value in summaries.items()}
    return plan(carried(plan, state), prediction((1, 4), **summaries), candidate([probability], [tokens]))


def test_confidently_contradicted_tokens_become_masks():
    state = sampler_state([[0, 0, 0, M]], committed=[[1, 1, 1, 0]])
    plan = ConfidentReplacement(ONE_A_STEP, threshold=0.9, share=1.0)
    decision = refined(plan, state, [0.95, 0.9, 0.95, 0.3], [1, 1, 0, 1])
    assert (places(decision.write), places(decision.remask)) == ([[3]], [[0]])  # the second is at .9, the third agrees
    often = replace(state, revisions=torch.tensor([[5, 0, 0, 0]], dtype=torch.int32))
    assert not refined(plan, often, [0.95, 0.9, 0.95, 0.3], [1, 1, 0, 1]).remask.any()


def test_only_a_share_of_the_tokens_becomes_masks_in_one_step():
    state = sampler_state([[0, 0, 0, 0]], committed=[[1, 1, 1, 1]])
    for share, remasked in ((0.1, [2]), (0.5, [2, 3]), (0.74, [2, 3]), (1.0, [0, 2, 3])):
        plan = LowTokenProbability(ONE_A_STEP, threshold=0.5, share=share)
        decision = refined(plan, state, [0.9] * 4, [1] * 4, current_token_probability=[0.4, 0.5, 0.1, 0.2])
        assert places(decision.remask) == [remasked]


def test_tokens_whose_probability_drops_become_masks():
    plan = ProbabilityDrop(ONE_A_STEP, threshold=0.3, share=1.0)
    state = carried(plan, sampler_state([[0, 0, M, M]], committed=[[1, 1, 0, 0]]))
    before = prediction((1, 4), current_token_probability=torch.tensor([[0.9, 0.8, 0.0, 0.0]]))
    proposed = candidate([[0.9, 0.8, 0.7, 0.2]], [[0, 0, 1, 1]])
    decision = plan(state, before, proposed)
    carry = plan.update_carry(state, before, decision)
    assert carry["token_to_mask.probability"].tolist()[0] == pytest.approx([0.9, 0.8, 0.7, 0.0])
    later = replace(
        sampler_state([[0, 0, 1, M]], committed=[[1, 1, 1, 0]]), carry=carry, step=torch.ones(1, dtype=torch.int64)
    )
    now = prediction((1, 4), current_token_probability=torch.tensor([[0.5, 0.6, 0.3, 0.0]]))
    assert places(plan(later, now, proposed).remask) == [[0, 2]]
