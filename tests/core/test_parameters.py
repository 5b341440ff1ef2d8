"""No rule and no logit processor accepts a setting that is NaN, or of another kind than its number."""

import importlib
import pkgutil
import re
from dataclasses import MISSING, fields, is_dataclass
from typing import Any

import pytest
from small_worlds import oracle

import adaptive_diffusion.rules
from adaptive_diffusion.core.parameters import check_value
from adaptive_diffusion.core.prediction import LogitProcessor
from adaptive_diffusion.core.rule import Rule
from adaptive_diffusion.rules.controls import RandomHalting
from adaptive_diffusion.rules.halting import AnswerProbability
from adaptive_diffusion.rules.pace import FixedSteps, Threshold
from adaptive_diffusion.rules.revision_limits import RevisionLimits
from adaptive_diffusion.sampling.restart import Restart
from adaptive_diffusion.sampling.sampler import Sampler

NAN = float("nan")


def rules() -> list[Any]:
    """Every concrete rule and processor of the package."""
    for module in pkgutil.walk_packages(adaptive_diffusion.rules.__path__, "adaptive_diffusion.rules."):
        importlib.import_module(module.name)
    waiting, found = [Rule, LogitProcessor], {RevisionLimits}
    while waiting:
        below = waiting.pop().__subclasses__()
        waiting += below
        found |= {rule for rule in below if rule.__module__.startswith("adaptive_diffusion.") and is_dataclass(rule)}
    return sorted(found, key=lambda rule: rule.__qualname__)


NUMBERS = [(rule, item.name) for rule in rules() for item in fields(rule) if item.type in (int, float, "int", "float")]


@pytest.mark.parametrize(("rule", "name"), NUMBERS, ids=[f"{rule.__name__}.{name}" for rule, name in NUMBERS])
def test_rule_with_a_setting_that_is_nan_is_refused(rule, name):
    needed = {item.name: 1 for item in fields(rule) if item.default is MISSING and item.default_factory is MISSING}
    with pytest.raises(ValueError, match=rf"{rule.__name__}: {name}=nan is not a number; give it a value"):
        rule(**needed | {name: NAN})


def test_nan_is_found_by_place_and_in_a_list():
    with pytest.raises(ValueError, match="Threshold: threshold=nan"):
        Threshold(NAN)
    with pytest.raises(ValueError, match="RandomHalting: histogram="):
        RandomHalting((1.0, NAN))


def test_restarts_refuse_nan():
    with pytest.raises(ValueError, match="Restart: enough=nan"):
        Restart(Sampler(oracle()), enough=NAN)


def test_numbers_and_infinity_are_accepted():
    assert (Threshold(float("inf")).threshold, FixedSteps(3).steps) == (float("inf"), 3)


@pytest.mark.parametrize(("rule", "name"), NUMBERS, ids=[f"{rule.__name__}.{name}" for rule, name in NUMBERS])
@pytest.mark.parametrize("value", ["abc", None, [1]], ids=["text", "null", "list"])
def test_rule_with_a_setting_of_another_kind_is_refused(rule, name, value):
    needed = {item.name: 1 for item in fields(rule) if item.default is MISSING and item.default_factory is MISSING}
    with pytest.raises(ValueError, match=rf"{rule.__name__}: {name}={re.escape(repr(value))} is no (whole )?number; "):
        rule(**needed | {name: value})


@pytest.mark.parametrize(
    ("rule", "settings", "sentence"),
    [
        (FixedSteps, {"steps": True}, "FixedSteps: steps=True is no whole number; give one"),
        (Threshold, {"threshold": True}, "Threshold: threshold=True is no number; give one"),
        (FixedSteps, {"steps": 2.5}, r"FixedSteps: steps=2\.5 is no whole number; give one"),
        (AnswerProbability, {"most": "six"}, "AnswerProbability: most='six' is no whole number; give one"),
    ],
)
def test_half_a_step_and_a_limit_in_words_are_refused(rule, settings, sentence):
    with pytest.raises(ValueError, match=sentence):
        rule(**settings)


def test_no_limit_is_accepted():
    assert AnswerProbability(most=None).most is None


@pytest.mark.parametrize(
    ("value", "annotation", "sentence"),
    [
        ("no", bool, "part: ends='no' is neither true nor false; write true or false"),
        (1, bool | None, "part: ends=1 is neither true nor false"),
        (5, str, "part: ends=5 is no text; put it in quotes"),
        (True, str | None, "part: ends=True is no text"),
        (None, str, "part: ends=None is no text"),
    ],
)
def test_setting_of_another_kind_is_refused(value, annotation, sentence):
    with pytest.raises(ValueError, match=sentence):
        check_value("part", "ends", value, annotation)


@pytest.mark.parametrize(("value", "annotation"), [(False, bool), (None, bool | None), ("5", str), (5, str | int)])
def test_setting_of_its_kind_is_accepted(value, annotation):
    check_value("part", "ends", value, annotation)
