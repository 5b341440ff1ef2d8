"""The same sampler, the same colour; every colour to be seen on both grounds."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adaptive_diffusion.analysis.style import DARK, LIGHT, colour, family, luminance, marker, setting

NAMES = st.from_regex(r"\A[a-z_]{1,12}(_[0-9]{1,2}|_0\.[0-9]{1,3})?\Z")


def contrast(first: str, second: str) -> float:
    dark, light = sorted((luminance(first), luminance(second)))
    return (light + 0.05) / (dark + 0.05)


@given(NAMES)
def test_every_colour_stands_out_on_light_and_on_dark(name: str):
    assert min(contrast(colour(name), theme.ground) for theme in (LIGHT, DARK)) > 2.1


def test_settings_of_a_rule_share_hue_and_marker_and_differ_in_shade():
    names = ["threshold_0.9", "threshold_0.95", "threshold_0.99"]
    assert {family(name) for name in names} == {"threshold"}
    assert [setting(name) for name in names] == ["0.9", "0.95", "0.99"]
    assert len({marker(name) for name in names}) == 1
    shades = [luminance(colour(name)) for name in names]
    assert shades == sorted(shades, reverse=True)
    assert len(set(shades)) == 3


def test_the_samplers_of_the_demo_are_told_apart():
    names = ["confidence", "margin", "fixed_4", "threshold_0.9", "threshold_0.9_remask", "learned"]
    assert len({(colour(name), marker(name)) for name in names}) == len(names)


@pytest.mark.parametrize("name", ["0.9", "16", "-"])
def test_a_name_of_numbers_only_is_its_own_family(name: str):
    assert family(name) == name
    assert colour(name).startswith("#")


def test_the_measure_of_luminance_is_that_of_the_web():
    assert (luminance("#ffffff"), luminance("#000000")) == (pytest.approx(1), 0)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)


def test_a_run_before_the_name_changes_nothing():
    for name in ("learned", "threshold_0.9", "wino"):
        assert (colour(f"seed_1/{name}"), marker(f"seed_1/{name}")) == (colour(name), marker(name))


def test_no_other_family_looks_like_a_known_one():
    known = {(colour(name), marker(name)) for name in ("learned", "confidence", "margin", "entropy", "random_halting")}
    others = [f"rule {letter}" for letter in "abcdefghijklmnopqrstuvwxyz"]
    assert known.isdisjoint({(colour(name), marker(name)) for name in others})
