"""WINO: commit wide, verify narrow."""

import pytest
import torch
from plan_cases import M, candidate, carried, places
from small_worlds import prediction, sampler_state

from adaptive_diffusion.rules.plans.wino import WideInNarrowOut


def wino(plan, before, tokens, committed, probability, verified):
    state = sampler_state([tokens], committed=[committed])
    state = carried(plan, state, **{"wino.accepted": torch.tensor([before])})
    return plan(state, prediction((1, len(tokens)), verified=torch.tensor([verified])), candidate([probability]))


@pytest.mark.parametrize(
    ("before", "probability", "written", "remasked"),
    [
        (3, [0, 0, 0, 0.7, 0.61], [3, 4], [0, 1]),
        (2, [0, 0, 0, 0.7, 0.61], [3, 4], [1]),  # at most one fewer than were accepted before, the most doubtful
        (1, [0, 0, 0, 0.7, 0.61], [3, 4], []),
        (3, [0, 0, 0, 0.7, 0.6], [3], []),  # .6 is not above .6, and one acceptance remasks nothing
        (3, [0, 0, 0, 0.2, 0.1], [3], []),
    ],
)
def test_wide_in_narrow_out(before, probability, written, remasked):
    verified = [0.89, 0.1, 0.9, 0.0, 0.0]
    decision = wino(WideInNarrowOut(), before, [0, 0, 0, M, M], [1, 1, 1, 0, 0], probability, verified)
    assert (places(decision.write), places(decision.remask)) == ([written], [remasked])


@pytest.mark.parametrize(("count", "accepted"), [(3, 3), (7, 5), (8, 5), (9, 6), (28, 19), (29, 20), (40, 20)])
def test_wino_accepts_a_share_of_the_open_positions_within_bounds(count, accepted):
    """min(max(⌊.7·open⌋, 5), 20), here with every position above the threshold."""
    decision = wino(WideInNarrowOut(), 0, [M] * count, [0] * count, [0.7] * count, [0.0] * count)
    assert places(decision.write) == [list(range(min(accepted, count)))]


def test_a_block_begins_as_if_thirty_had_been_accepted():
    state = sampler_state([[M, M]])
    assert WideInNarrowOut().init_carry(state, 5)["wino.accepted"].tolist() == [30]
