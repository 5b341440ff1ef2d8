"""The same sampler, the same colour; every colour can be seen on both grounds."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adaptive_diffusion.analysis.colours import Label, colour, luminance, marker
from adaptive_diffusion.analysis.style import DARK, LIGHT

FAMILIES = st.from_regex(r"\A[a-z_]{1,12}\Z")
SETTINGS = st.none() | st.from_regex(r"\A([0-9]{1,2}|0\.[0-9]{1,3}|[a-z]{1,3}|nan|inf|-1)\Z")


def contrast(first: str, second: str) -> float:
    dark, light = sorted((luminance(first), luminance(second)))
    return (light + 0.05) / (dark + 0.05)


@given(FAMILIES, SETTINGS)
def test_every_colour_stands_out_on_light_and_on_dark(family: str, setting: str | None):
    assert min(contrast(colour(family, setting), theme.ground) for theme in (LIGHT, DARK)) > 2.1


def test_settings_of_a_family_share_the_marker_and_differ_in_shade():
    labels = [Label(f"threshold_{value}", "threshold") for value in (0.9, 0.95, 0.99)]
    assert [label.setting for label in labels] == ["0.9", "0.95", "0.99"]
    assert len({label.marker for label in labels}) == 1
    shades = [luminance(label.colour) for label in labels]
    assert shades == sorted(shades, reverse=True)
    assert len(set(shades)) == 3


def test_samplers_of_the_demo_have_distinct_styles():
    families = ["confidence", "margin", "fixed", "threshold", "threshold_remasking", "learned"]
    assert len({(colour(name), marker(name)) for name in families}) == len(families)


def test_rules_that_stand_in_one_figure_have_distinct_styles():
    known = ["answer_probability", "answer_probability_limited", "stable_and_confident", "likelihood_gain", "prophet"]
    others = ["sched", "fixed", "threshold", "entropy_bound", "klass", "confidence"]
    heads = ["learned", "solved", "cost_aware", "agreement", "agreement_cost_aware"]
    families = [*known, *others, *heads]
    assert len({(colour(name), marker(name)) for name in families}) == len(families)
    assert len({colour(name) for name in heads}) == len(heads)


@pytest.mark.parametrize("name", ["0.9", "careful", "my threshold"])
def test_a_name_that_is_not_built_from_its_family_keeps_the_colour_of_the_family(name: str):
    assert Label(name, "threshold").marker == marker("threshold")


def test_the_measure_of_luminance_is_that_of_the_web():
    assert (luminance("#ffffff"), luminance("#000000")) == (pytest.approx(1), 0)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)


def test_a_run_changes_the_name_and_nothing_else():
    here, there = Label("threshold_0.9", "threshold"), Label("threshold_0.9", "threshold", "seed_1")
    assert there.name == "seed_1/threshold_0.9"
    assert (here.colour, here.marker, here.setting) == (there.colour, there.marker, there.setting)


def test_labels_are_sorted_by_family_and_by_the_number_of_the_setting():
    labels = [Label(name, "fixed") for name in ("fixed_16", "fixed_4", "fixed_8")]
    assert [label.sampler for label in sorted(labels, key=lambda label: label.order)] == [
        "fixed_4",
        "fixed_8",
        "fixed_16",
    ]


def test_no_other_family_looks_like_a_known_one():
    names = ("learned", "confidence", "margin", "entropy", "random_halting", "answer_probability_limited", "cost_aware")
    known = {(colour(name), marker(name)) for name in names}
    others = [f"rule {letter}" for letter in "abcdefghijklmnopqrstuvwxyz"]
    assert known.isdisjoint({(colour(name), marker(name)) for name in others})
