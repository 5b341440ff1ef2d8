"""Every named sampler of a paper is compared with decisions of an original implementation, whose source is named."""

import json
import re
from pathlib import Path

import pytest
from golden_cases import FOLDER

from adaptive_diffusion.config import compose_part, instantiate
from adaptive_diffusion.config.search import ConfigSearch
from adaptive_diffusion.runs.catalogue import presets

FILES = [path.stem for path in sorted(FOLDER.glob("*.json"))]
COMPARED_AS = {
    "block_diffusion": "fast_dllm",
    "confidence": "llada",  # one position a forward is its quota for as many steps as positions
    "diffusion_gemma": "stable_and_confident",
    "dream_instruct": "entropy",
    "duo_greedy": "uniform",  # its tail is compared in the same file
    "llada2": "token_editing",  # the commits under the second look, see test_second_looks
    "llada_instruct": "llada",
    "prism_binomial": "prism",  # the cases with a binomial number
    "threshold": "fast_dllm",
    "uniform_bound": "uniform",
    "uniform_routes": "predictor_corrector",  # the predictor's steps
}
"""Named samplers that are another one at other settings, or a part of it → the file of the comparison."""

MADE_BY_HAND = {"self_aware": Path(__file__).parents[1] / "rules" / "self_aware_cases.json"}
"""No code of the authors was found, which the column of differences says."""


@pytest.mark.parametrize("sampler", FILES)
def test_file_names_its_source(sampler):
    file = json.loads((FOLDER / f"{sampler}.json").read_text())
    assert len(file["cases"]) >= 20
    assert re.fullmatch("[0-9a-f]{40}", file["commit"])
    assert file["repository"]
    assert file["function"]
    assert (FOLDER / f"{sampler}.json").stat().st_size < 200_000


def test_every_sampler_that_names_a_paper_is_compared_with_it():
    claims = {each.name: each for each in presets(ConfigSearch.of()) if re.search(r"\b20[12]\d", each.about)}
    assert claims.keys() - {*FILES} == COMPARED_AS.keys() | MADE_BY_HAND.keys()
    assert {*COMPARED_AS.values()} <= {*FILES} <= claims.keys()
    for name, file in MADE_BY_HAND.items():
        assert len(json.loads(file.read_text())["cases"]) >= 20
        assert "not checked against the paper" in claims[name].differences


@pytest.mark.parametrize(
    "sampler", ["block_diffusion", "dream_instruct", "llada_instruct", "threshold", "uniform_bound"]
)
def test_samplers_at_other_settings_have_the_rules_that_are_compared(sampler):
    kinds = [
        {role: type(rule) for role, rule in instantiate(compose_part("sampler", name)).keywords.items()}
        for name in (sampler, COMPARED_AS[sampler])
    ]
    assert all(kinds[0].get(role) == kinds[1].get(role) for role in ("order", "pace", "remasking", "plan", "halting"))


PUBLISHED = {
    "diffusion_gemma": {
        "plan": "EntropyBoundAcceptance(gamma=0.1, steps=48)",
        "halting": "StableAndConfident(stability=1, threshold=0.005)",
        "processors": "[LinearTemperature(steps=48, first=0.8, last=0.4)]",
    },
    "dream_instruct": {"pace": "ProportionalSteps(steps=512, end=0.001)"},
    "entropy": {"pace": "ProportionalSteps(steps=16, end=0.001)"},
    "entropy_bound": {"pace": "EntropyBound(gamma=0.1)"},
    "fast_dllm": {"pace": "Threshold(threshold=0.9, at_least=1)"},
    "klass": {"order": "KLStability(epsilon=0.01, history=2, threshold=0.9)"},
    "llada": {"block_length": "128"},
    "llada_instruct": {"block_length": "32"},
    "maskgit": {"order": "GumbelConfidence(steps=16, temperature=4.5)"},
    "prophet": {"halting": "Prophet(steps=16, early=7.5, middle=5.0, late=2.5)"},
    "remdm_cap": {"remasking": "Cap(eta=0.008)", "processors": "[TopP(p=0.9)]"},
    "remdm_loop": {
        "pace": "AncestralLoop(steps=32, t_on=0.55, t_off=0.05, alpha_on=0.9)",
        "remasking": "WhileHeld(eta=0.02)",
    },
    "remdm_rescale": {"remasking": "Rescale(eta=0.015)"},
    "remedi": {"block_length": "32"},
    "sched": {"halting": "Sched(steps=16, high=7.5, low=0.0, rate=2.0, change=0.0)"},
    "token_to_mask": {"block_length": "32"},
    "wino": {"plan": "WideInNarrowOut(accept=0.6, keep=0.9, share=0.7, least=5, most=20)"},
}
"""Settings that a paper or its code has; numbers of steps are ours. Those of `token_editing`: test_second_looks."""


@pytest.mark.parametrize("sampler", PUBLISHED)
def test_named_samplers_have_the_settings_of_their_papers(sampler):
    (preset,) = (each for each in presets(ConfigSearch.of()) if each.name == sampler)
    assert {role: preset.parts[role] for role in PUBLISHED[sampler]} == PUBLISHED[sampler]


def test_gidd_and_ddpd_have_the_settings_of_their_papers():
    plans = {each.name: each.parts["plan"] for each in presets(ConfigSearch.of()) if each.name in ("gidd", "ddpd")}
    assert plans["gidd"].endswith("level=0.01, temperature=0.1, patience=32, cap=128)")
    assert plans["ddpd"] == "PlannedDenoising(steps=36, fill=0.05, enough=0.0)"
