"""The self-aware kernel on cases made by hand: no code of its authors was found, see `SelfAwareKernel`."""

import json
from pathlib import Path

import pytest
import torch
from golden_steps import Prescribed, one_step, recorded, remasked, replaced, sampler_of, state_of, written

from adaptive_diffusion.rules.halting import AllCommitted
from adaptive_diffusion.rules.learned_halting import LearnedHalting

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
