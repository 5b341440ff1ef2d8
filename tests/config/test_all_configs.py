"""Every config of the package composes, and every class in it takes the arguments it is given."""

import pytest

from adaptive_diffusion.config import ConfigSearch, check, choices, compose, compose_part
from adaptive_diffusion.config.resolution import resolve
from adaptive_diffusion.config.search import package_folder
from adaptive_diffusion.runs.experiment import read_stages, with_samplers

LONGEST_EXPERIMENT = 40
PACKAGE = ConfigSearch((package_folder(),))
ROOT = {"seed": 0, "task": {"batch_size": 8}, "checkpoint": "a.safetensors", "sampler": {}, "steps": 10}
ROOT |= {"model": compose_part("model", "text", search=PACKAGE), "optimizer": {"lr": 0.1}}
#: Nodes of these roles refer to the experiment around them, and are checked within it.
WITHIN_EXPERIMENTS = {"training", "halting_objective", "stage", "scheduler", "rollout_sampler"}


@pytest.mark.parametrize("name", choices("experiment", PACKAGE))
def test_an_experiment_is_a_short_difference_whose_stages_can_be_built(name):
    lines = PACKAGE.file("experiment", name).read_text().splitlines()
    assert len(lines) <= LONGEST_EXPERIMENT
    assert lines[1].startswith("# ")
    config = resolve(compose(name, search=PACKAGE))
    assert read_stages(with_samplers(config, search=PACKAGE))


@pytest.mark.parametrize("name", choices("training", PACKAGE))
def test_every_training_can_replace_that_of_an_experiment(name):
    overrides = [f"training@stages.denoiser={name}", "stages.denoiser.steps=1"]
    overrides += ["model=text_block_diffusion"] if name == "blocks" else []
    read_stages(with_samplers(resolve(compose("quickstart", overrides, PACKAGE)), search=PACKAGE))


@pytest.mark.parametrize("role", sorted({"halting_objective", "scheduler", "optimizer"}))
def test_every_choice_of_a_halting_head_can_be_built(role):
    package = {"halting_objective": "stages.halting", "scheduler": "stages.halting.scheduler"}
    for name in choices(role, PACKAGE):
        change = f"{role}@{package.get(role, 'stages.halting.optimizer')}={name}"
        read_stages(with_samplers(resolve(compose("halting", [change], PACKAGE)), search=PACKAGE))


@pytest.mark.parametrize("role", sorted(PACKAGE.roles() - {"experiment"} - WITHIN_EXPERIMENTS))
def test_every_other_config_can_be_built(role):
    for name in choices(role, PACKAGE):
        key = f"stages.some.{role}" if role == "optimizer" else "part"
        overrides = [f"+{role}@{key}={name}", *(["+model=text"] if name == "text_autoregressive" else [])]
        if name == "sudoku_6x6_noised":
            overrides.append(
                "part.denoiser.corruption={_target_: adaptive_diffusion.core.corruption.Uniform, vocabulary: 6}"
            )
        check(compose(None, overrides, PACKAGE))


def test_no_config_repeats_its_key_as_a_name_or_switches_recursion_off():
    texts = {file: file.read_text() for file in package_folder().rglob("*.yaml")}
    assert [file for file, text in texts.items() if "_recursive_" in text] == []
