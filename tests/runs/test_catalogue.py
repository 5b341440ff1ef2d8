"""Every sampler with a name can be built, answers, and stands in the document."""

import json
import sys
import warnings
from pathlib import Path

import pytest
import torch
from small_worlds import random_queries, transformer
from typer.testing import CliRunner

from adaptive_diffusion.cli.app import app
from adaptive_diffusion.config import ConfigSearch, compose_part, instantiate
from adaptive_diffusion.core.corruption import Uniform
from adaptive_diffusion.models.answer_quality import AnswerQualityHead
from adaptive_diffusion.models.halting_head import TrajectoryHaltingHead
from adaptive_diffusion.models.heads import DenoiserWithHeads, HaltingHead, QualityHead, UnmaskingHead
from adaptive_diffusion.models.policy import PolicyHead
from adaptive_diffusion.models.wrappers import NoisePlanner, Planned
from adaptive_diffusion.rules.plans.ranking import SelfPlanning
from adaptive_diffusion.rules.remasking import LowProbability
from adaptive_diffusion.rules.revision_limits import LimitedPlan, RevisionLimits
from adaptive_diffusion.runs.catalogue import document, presets, written
from adaptive_diffusion.runs.compare import build_sampler

ROOT = Path(__file__).parents[2]
CATALOGUE = [
    "mdlm",
    "first_hitting",
    "maskgit",
    "llada",
    "margin",
    "entropy",
    "fast_dllm",
    "fast_dllm_factor",
    "entropy_bound",
    "klass",
    "remdm_cap",
    "remdm_rescale",
    "remdm_conf",
    "remdm_loop",
    "p2",
    "p2_planner",
    "ddpd",
    "prism",
    "prism_binomial",
    "remedi",
    "wino",
    "token_editing",
    "token_to_mask",
    "self_aware",
    "psi",
    "duo_greedy",
    "gidd",
    "uniform",
    "uniform_bound",
    "predictor_corrector",
    "stable_and_confident",
    "prophet",
    "sched",
    "learned",
]


@pytest.fixture(scope="module")
def listed():
    return {preset.name: preset for preset in presets(ConfigSearch.of())}


def model(kind):
    torch.manual_seed(0)
    noise = {} if kind == "absorbing" else {"corruption": Uniform(5)}
    quality = QualityHead(32, init_bias=0.0)
    torch.nn.init.normal_(quality.out.weight)
    heads = {"quality": quality, "halting": HaltingHead(32), "policy": PolicyHead(), "unmasking": UnmaskingHead(32)}
    heads["answer_quality"] = AnswerQualityHead(32)
    heads |= {"cost_aware": TrajectoryHaltingHead(32, 3), "q_halting": TrajectoryHaltingHead(32, 2)}
    return DenoiserWithHeads(transformer(**noise), heads).eval()


def planned():
    return DenoiserWithHeads(Planned(model("absorbing"), NoisePlanner(model("uniform")))).eval()


def test_every_published_rule_has_its_name(listed):
    assert set(CATALOGUE) <= set(listed)


def test_every_published_preset_has_a_description_with_its_source(listed):
    ours = {"learned"}
    assert [name for name in CATALOGUE if "20" not in listed[name].about and name not in ours] == []


@pytest.mark.parametrize("name", [preset.name for preset in presets(ConfigSearch.of())])
def test_every_preset_answers_under_the_noise_it_names(name, listed):
    for kind in listed[name].corruption:
        recipe = instantiate(compose_part("sampler", name))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)
            answering = planned() if name == "ddpd" else model(kind)
            result = build_sampler(recipe, answering).sample(random_queries(4, 9, 5))
        assert ((result.answers >= 0) & (result.answers < 5)).all()


def test_a_preset_for_another_noise_is_refused_with_a_sentence(listed):
    for name, preset in listed.items():
        for kind in {"absorbing", "uniform"} - set(preset.corruption):
            with pytest.raises(ValueError, match=r"corruption|under masks"):
                build_sampler(instantiate(compose_part("sampler", name)), model(kind))


def test_ddpd_without_a_planner_is_refused():
    sampler = build_sampler(instantiate(compose_part("sampler", "ddpd")), model("uniform"))
    with pytest.raises(ValueError, match="no summary 'planner'.*wrap the denoiser"):
        sampler.sample(random_queries(4, 9, 5))


def test_a_value_that_two_parts_share_is_given_once():
    recipe = instantiate(compose_part("sampler", "maskgit", ["pace.steps=7"]))
    assert recipe.keywords["order"].steps == 7


def test_the_document_is_as_its_command_writes_it():
    results = ROOT / "experiments" / "sampler_catalogue" / "results"
    output = "docs/samplers.md is stale; run: adaptive-diffusion samplers --markdown > docs/samplers.md"
    assert (ROOT / "docs" / "samplers.md").read_text() == document(results, ConfigSearch.of()), output


def test_a_result_file_becomes_a_table(tmp_path):
    figures = {
        "correct": 0.5,
        "nfe_mean": 7.25,
        "nfe_p95": 9.0,
        "nfe_max": 12.0,
        "revisions_mean": 1.5,
        "seconds": 0.25,
    }
    rows = [
        {"sampler": "p2", "error_to_correct": 3, "correct_to_error": 1, **figures},
        {"sampler": "uniform", "refused": "no."},
    ]
    result = {"title": "t", "queries": 4, "seed": 0, "device": "d", "command": "c", "samplers": rows}
    (tmp_path / "one.json").write_text(json.dumps(result | {"remarks": {"p2": "because"}}))
    text = document(tmp_path, ConfigSearch.of())
    assert "| `p2` | 50.00% | 7.25 | 9 | 12 | 1.50 | 3 | 1 | 0.25 | because |" in text
    assert "| `uniform` | | | | | | | | | no. |" in text
    rows[0]["steps_mean"] = 32.0
    (tmp_path / "one.json").write_text(json.dumps(result))
    text = document(tmp_path, ConfigSearch.of())
    assert "| `p2` | 50.00% | 7.25 | 9 | 12 | 32.00 | 1.50 |" in text
    assert "| `uniform` | | | | | | | | | | no. |" in text
    assert "|---|---|---|---|---|---|---|---|---|---|---|" in text


def test_the_command_lists_names_for_people_and_for_programs(listed):
    shown = CliRunner().invoke(app, ["samplers", "--json"])
    assert [entry["name"] for entry in json.loads(shown.stdout)] == list(listed)
    assert {"name", "about", "differences", "parts", "corruption"} == set(json.loads(shown.stdout)[0])
    assert "remdm_conf" in CliRunner().invoke(app, ["samplers"]).stdout


def test_parts_are_written_as_python():
    halting = instantiate(compose_part("sampler", "learned", ["halting.threshold=0.7"])).keywords["halting"]
    assert written(halting) == "LearnedHalting(threshold=0.7)"
    assert written([1, LowProbability(0.3)]) == "[1, LowProbability(threshold=0.3)]"
    limited = LimitedPlan(SelfPlanning(8), RevisionLimits(total=9))
    assert written(limited) == (
        "LimitedPlan(inner=SelfPlanning(steps=8, eta=1.0), limits=RevisionLimits(each=4, total=9, memory=16))"
    )


@pytest.fixture
def own_rules(tmp_path, monkeypatch):
    """A project with a sampler whose order is a class of its own module."""
    (tmp_path / "own_rules_of_catalogue.py").write_text(
        "from dataclasses import dataclass\nfrom adaptive_diffusion.rules.order import Confidence\n\n\n"
        "@dataclass(frozen=True)\nclass WorstOne(Confidence):\n    strength: float = 2.0\n"
    )
    (tmp_path / "configs" / "sampler").mkdir(parents=True)
    (tmp_path / "configs" / "sampler" / "worst.yaml").write_text(
        "# Mine.\ndefaults: [confidence, _self_]\norder: {_target_: own_rules_of_catalogue.WorstOne}\n"
    )
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.path", list(sys.path))


def test_sampler_of_an_own_module_is_listed_by_its_classes(own_rules):
    shown = CliRunner().invoke(app, ["samplers", "--json"])
    assert shown.exit_code == 0, shown.output
    (worst,) = (entry for entry in json.loads(shown.stdout) if entry["name"] == "worst")
    assert (worst["parts"]["order"], worst["corruption"]) == ("WorstOne", [])
    assert "worst is listed without values and noise; if you trust its code: --allow-module own_rules" in shown.stderr
    allowed = CliRunner().invoke(app, ["samplers", "--json", "--allow-module", "own_rules_of_catalogue"])
    assert allowed.exit_code == 0, allowed.output
    (worst,) = (entry for entry in json.loads(allowed.stdout) if entry["name"] == "worst")
    assert (worst["parts"]["order"], worst["corruption"]) == ("WorstOne(strength=2.0)", ["absorbing", "uniform"])
    assert allowed.stderr == ""


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--results", "nowhere"], "--results nowhere is shown by the document alone: add --markdown, or leave it out"),
        (["--results", "nowhere", "--markdown"], "There is no folder nowhere; give --results the folder of measured"),
    ],
)
def test_results_that_would_not_be_shown_are_refused(options, sentence):
    result = CliRunner().invoke(app, ["samplers", *options])
    assert result.exit_code == 2
    assert sentence in result.stderr
