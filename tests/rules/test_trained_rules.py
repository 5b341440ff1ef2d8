"""Which rules count as learned: those that decide by a head or by the summary of a trained one."""

import pytest

from adaptive_diffusion.config import compose_part, instantiate
from adaptive_diffusion.rules.plans.ranking import ExternalPlanning
from adaptive_diffusion.rules.remasking import LowProbability, LowQuality

PLANS = {
    "prism": ("quality",),
    "prism_binomial": ("quality",),
    "remedi": ("unmasking",),
    "self_aware": ("unmasking",),
    "ddpd": ("planner",),
    "p2": (),
}


@pytest.mark.parametrize(("name", "summaries"), PLANS.items(), ids=PLANS)
def test_plans_name_the_trained_summaries_that_they_read(name, summaries):
    plan = instantiate(compose_part("sampler", name)["plan"])
    assert plan.head_names() == summaries
    assert plan.missing_heads() == ()


def test_other_rules_name_the_trained_summaries_that_they_read():
    assert LowQuality().head_names() == ("quality",)
    assert ExternalPlanning(4).head_names() == ("drawn_quality",)
    assert LowProbability().head_names() == ()
