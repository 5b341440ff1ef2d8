"""PRISM: tokens of low quality are taken back on schedule."""

from dataclasses import replace

import pytest
import torch
from plan_cases import M, candidate, places
from small_worlds import prediction, sampler_state

from adaptive_diffusion.rules.plans.prism import BinomialQuality, LowestQuality


def prism(plan, tokens, committed, quality, step):
    state = replace(sampler_state([tokens], committed=[committed]), step=torch.tensor([step]))
    return plan(state, prediction((1, len(tokens)), quality=torch.tensor([quality])), candidate([[0.5] * len(tokens)]))


@pytest.mark.parametrize(("committed", "suspects"), [(1, 0), (2, 1), (3, 1), (6, 1), (7, 0)])
def test_prism_looks_for_suspects_neither_at_the_start_nor_at_the_end(committed, suspects):
    """One suspect of 8 positions: only if more than 1 and fewer than 7 are committed."""
    present = [1] * committed + [0] * (8 - committed)
    decision = prism(LowestQuality(8, 1), [0] * committed + [M] * (8 - committed), present, [0.9, 0.1] * 4, committed)
    assert decision.remask.sum().item() == suspects
    assert decision.write.sum().item() == 1 + suspects  # the number of clean tokens stays on schedule
    assert not suspects or decision.remask[0, 1]


def test_prism_commits_by_a_ceiling():
    counts = [prism(LowestQuality(4, 0), [M] * 10, [0] * 10, [0.5] * 10, step).write.sum().item() for step in range(4)]
    assert counts == [3, 5, 8, 10]


def test_prism_keeps_the_best_suspects_where_too_little_is_open():
    """7 of 10 are committed, 10 − 3 is no more than 6: two suspects, then three open ones for a schedule of 9."""
    decision = prism(LowestQuality(10, 2), [0] * 7 + [M] * 3, [1] * 7 + [0] * 3, [0.9, 0.1, 0.2, *[0.9] * 7], 8)
    assert (places(decision.remask), places(decision.write)) == ([[1]], [[7, 8, 9]])


def test_the_binomial_number_of_suspects_has_its_mean():
    rows, plan = 8000, BinomialQuality(10, 0.25)
    state = sampler_state([[0] * 5 + [M] * 5] * rows, committed=[[1] * 5 + [0] * 5] * rows)
    assert plan.remask_probability(state)[0].item() == 0.25
    few = sampler_state([[0] * 9 + [M]], committed=[[1] * 9 + [0]])
    assert BinomialQuality(10, 1.0).remask_probability(few).item() == 0
    count = plan.number(state).double()
    assert abs(float(count.mean()) - 1.25) < 5 * float(count.std()) / rows**0.5
