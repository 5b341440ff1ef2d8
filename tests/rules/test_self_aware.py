"""The self-aware kernel on cases made by hand: no code of its authors was found, see `SelfAwareKernel`."""

import json
from pathlib import Path

import pytest
import torch
from golden_steps import Prescribed, one_step, recorded, remasked, replaced, sampler_of, state_of, written
from plan_cases import M, candidate, places
from small_worlds import prediction, sampler_state

from adaptive_diffusion.rules.halting import AllCommitted
from adaptive_diffusion.rules.learned_halting import LearnedHalting
from adaptive_diffusion.rules.plans.self_aware import SelfAwareKernel

CASES = json.loads(Path(__file__).with_name("self_aware_cases.json").read_text())["cases"]


@pytest.mark.parametrize("case", CASES, ids=range(len(CASES)))
def test_kernel_writes_where_the_remask_head_is_sure(case):
    sampler = sampler_of("self_aware", Prescribed(case["logits"], unmasking=case["quality"]), halting=AllCommitted())
    done = one_step(sampler, state_of(case, sampler))
    assert (written(done), remasked(done)) == (recorded(case), case["decision"]["remask"])
    assert replaced(done) == recorded(case, "replace")


@pytest.mark.parametrize("case", CASES, ids=range(len(CASES)))
def test_stop_head_ends_the_row_from_its_threshold_on(case):
    stop = LearnedHalting(case["stop_threshold"]).decide(torch.tensor([case["stop_probability"]]).logit()).stop
    assert bool(stop) == case["decision"]["stop"]


def test_the_kernel_writes_where_it_is_sure_and_masks_the_rest():
    state = sampler_state([[0, 0, 0, M, M]], committed=[[1, 1, 1, 0, 0]])
    proposed = candidate([[0.9] * 5], [[0, 1, 1, 1, 1]])
    decision = SelfAwareKernel()(
        state, prediction((1, 5), unmasking=torch.tensor([[0.5, 0.9, 0.49, 0.8, 0.2]])), proposed
    )
    assert (places(decision.write), places(decision.remask)) == ([[1, 3]], [[2]])
    assert decision.noise_level.tolist() == [0.4]
    assert not decision.settled.any()


def test_the_kernel_ends_a_row_that_it_does_not_change():
    state = sampler_state([[0, 0, M]], committed=[[1, 1, 0]])
    sure = prediction((1, 3), unmasking=torch.tensor([[1.0, 1.0, 0.0]]))
    assert SelfAwareKernel()(state, sure, candidate([[0.9] * 3])).settled.item()
    assert not SelfAwareKernel()(state, sure, candidate([[0.9] * 3], [[0, 1, 0]])).settled.item()
