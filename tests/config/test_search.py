"""A user's config folders are searched before the package's own."""

import pytest
from hydra.core.global_hydra import GlobalHydra

from adaptive_diffusion.config import ConfigSearch, compose, compose_part, resolve
from adaptive_diffusion.config.search import package_folder


@pytest.fixture
def own(tmp_path, monkeypatch):
    """A working folder with `configs`, and another config folder whose name needs care."""
    monkeypatch.chdir(tmp_path)
    for folder, count in (("configs", 2), ("a b,c=d 'e'", 3)):
        place = tmp_path / folder / "sampler"
        place.mkdir(parents=True)
        (place / "confidence.yaml").write_text(f"pace: {{count: {count}}}\n")
    (tmp_path / "configs" / "experiment").mkdir()
    (tmp_path / "configs" / "experiment" / "mine.yaml").write_text(
        "# @package _global_\ndefaults: [quickstart, /sampler@own: confidence]\nstages: {halting: {steps: 7}}\n"
    )
    return tmp_path


def test_the_first_folder_that_has_a_config_is_used(own):
    other = own / "a b,c=d 'e'"
    assert ConfigSearch.of([other]).folders == (other, own / "configs", package_folder())
    assert compose_part("sampler", "confidence").pace.count == 2
    assert compose_part("sampler", "confidence", search=ConfigSearch.of([other])).pace.count == 3
    assert compose_part("sampler", "threshold").pace.threshold == 0.9
    assert compose_part("sampler", "confidence", search=ConfigSearch((package_folder(),))).pace.count == 1


def test_an_experiment_of_the_user_builds_on_one_of_the_package(own):
    config = resolve(compose("mine", ["seed=3"]))
    assert (config["stages"]["halting"]["steps"], config["own"]["pace"]["count"]) == (7, 2)
    assert config["task"]["seed"] == 3


def test_choices_are_those_of_all_folders_and_each_is_listed_once(own):
    search = ConfigSearch.of()
    assert {"mine", "quickstart"} <= set(search.choices("experiment"))
    assert search.choices("sampler").count("confidence") == 1
    assert search.file("experiment", "mine") == own / "configs" / "experiment" / "mine.yaml"
    with pytest.raises(ValueError, match="There is no sampler 'nothing' in "):
        search.file("sampler", "nothing")


def test_without_a_folder_of_the_user_only_the_package_is_searched(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert ConfigSearch.of().folders == (package_folder(),)


def test_a_config_folder_that_does_not_exist_is_refused(own):
    with pytest.raises(ValueError, match="There is no config folder .*nothing"):
        ConfigSearch.of([own / "nothing"])


def test_hydra_is_left_as_it_was(own):
    compose("quickstart")
    assert not GlobalHydra.instance().is_initialized()
