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
