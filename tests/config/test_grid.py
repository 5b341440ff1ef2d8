"""Overrides of several values become every combination of them."""

import pytest

from adaptive_diffusion.config.grid import combinations, listed


def test_every_combination_comes_once_and_the_last_override_fastest():
    assert combinations(["a=1,2", "b=x,y"]) == [("a=1", "b=x"), ("a=1", "b=y"), ("a=2", "b=x"), ("a=2", "b=y")]


def test_a_range_is_counted_out_and_a_single_value_stays_as_it_is_written():
    assert combinations(["seed=range(0,3)", "c=[1,2]"]) == [(f"seed={seed}", "c=[1,2]") for seed in range(3)]


def test_nothing_to_vary_is_one_setting():
    assert combinations([]) == [()]


@pytest.mark.parametrize("override", ["a", "a=interval(0,1)", "a=1,", "a=range(0,0)", "a=" + "[" * 3000])
def test_what_cannot_be_listed_is_refused(override):
    with pytest.raises(ValueError, match=r"key=value|list of values|no value"):
        combinations([override])


@pytest.mark.parametrize("overrides", [["a=range(0,1000000000000)"], ["a=range(0,1000)", "b=range(0,1000)"]])
def test_more_settings_than_a_command_may_ask_for_are_refused_at_once(overrides):
    with pytest.raises(ValueError, match="more than 100000 combinations"):
        combinations(overrides)


def test_a_list_has_a_setting_a_line(tmp_path):
    file = tmp_path / "settings.txt"
    file.write_text("# two settings\na=1 b='[1, 2]'\n\na=2,3  # and two in one\n")
    assert listed(file) == [("a=1", "b=[1, 2]"), ("a=2",), ("a=3",)]


@pytest.mark.parametrize("text", ["", "# nothing\n", "a='open\n"])
def test_a_list_of_nothing_is_refused(tmp_path, text):
    file = tmp_path / "settings.txt"
    file.write_text(text)
    with pytest.raises(ValueError, match="settings.txt"):
        listed(file)


def test_a_list_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(ValueError, match="there is no file .*nothing.txt; write a setting a line"):
        listed(tmp_path / "nothing.txt")
