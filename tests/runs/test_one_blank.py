"""One position to fill needs one forward, with every named sampler that promises no distribution."""

import warnings

import pytest
import torch
from small_worlds import transformer

from adaptive_diffusion.config import ConfigSearch, compose_part, instantiate
from adaptive_diffusion.core.query import Queries
from adaptive_diffusion.models.answer_quality import AnswerQualityHead
from adaptive_diffusion.models.halting_head import TrajectoryHaltingHead
from adaptive_diffusion.models.heads import DenoiserWithHeads, HaltingHead, QualityHead, UnmaskingHead
from adaptive_diffusion.models.policy import PolicyHead
from adaptive_diffusion.runs.catalogue import presets
from adaptive_diffusion.runs.compare import build_sampler

#: They sample from a distribution under which a committed token may leave again.
DISTRIBUTIONS = {"gidd", "remdm_cap", "remdm_conf", "remdm_loop", "remdm_rescale"}
#: Samplers that need more by what they are, and why.
MORE = {
    "answer_quality": "a complete answer is judged in a forward of its own",
    "diffusion_gemma": "two equal predictions are needed to stop",
    "p2_planner": "the planner has a forward of its own",
    "restart": "answers that are not probable enough are drawn again",
    "self_aware": "its remask head may keep the position open",
}
PRESETS = [preset.name for preset in presets(ConfigSearch.of()) if "absorbing" in preset.corruption]


@pytest.fixture(scope="module")
def queries():
    """Twenty sequences with one open position each, at all places."""
    tokens = torch.randint(5, (20, 9), generator=torch.Generator().manual_seed(0))
    return Queries.of(tokens, torch.arange(9) == torch.arange(20)[:, None] % 9)


def forwards(name, queries):
    torch.manual_seed(0)
    heads = {"quality": QualityHead(32), "halting": HaltingHead(32), "policy": PolicyHead()}
    more = {"cost_aware": TrajectoryHaltingHead(32, 3), "q_halting": TrajectoryHaltingHead(32, 2)}
    more |= {"unmasking": UnmaskingHead(32), "answer_quality": AnswerQualityHead(32)}
    model = DenoiserWithHeads(transformer(), heads | more).eval()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        return build_sampler(instantiate(compose_part("sampler", name)), model).sample(queries).nfe


@pytest.mark.parametrize("name", [name for name in PRESETS if name not in DISTRIBUTIONS | {*MORE}])
def test_one_blank_needs_one_forward(name, queries):
    assert (forwards(name, queries) == 1).all()


def test_a_planner_is_the_second_forward(queries):
    assert (forwards("p2_planner", queries) == 2).all()


def test_samplers_that_are_left_out_exist():
    assert set(PRESETS) >= DISTRIBUTIONS | {*MORE}
