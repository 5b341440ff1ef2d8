"""Which checkpoint of a run folder is its trained model."""

import os
import warnings

import pytest
from small_worlds import transformer

from adaptive_diffusion.config import compose_part, resolve
from adaptive_diffusion.models.heads import DenoiserWithHeads, HaltingHead
from adaptive_diffusion.runs.compare import build_sampler
from adaptive_diffusion.runs.trained_model import TrainedModel, newest_checkpoint

STAGES = "stages: {denoiser: {}, remasking: {}, evaluation: {}}\n"


@pytest.fixture
def copied(tmp_path):
    """A run folder whose files were copied in another order than they were written in."""
    (tmp_path / "checkpoints").mkdir()
    for seconds, name in enumerate(("remasking", "denoiser")):
        file = tmp_path / "checkpoints" / f"{name}.safetensors"
        file.touch()
        os.utime(file, (seconds, seconds))
    return tmp_path


def test_last_stage_of_the_config_counts_and_not_the_time_of_a_copy(copied):
    (copied / "config.yaml").write_text(STAGES)
    assert newest_checkpoint(copied).stem == "remasking"


def test_without_a_config_the_newest_file_counts(copied):
    assert newest_checkpoint(copied).stem == "denoiser"


def test_damaged_config_is_refused(copied):
    (copied / "config.yaml").write_text("{")
    with pytest.raises(ValueError, match="damaged"):
        newest_checkpoint(copied)


def test_a_config_that_describes_no_sampler_is_refused():
    with pytest.raises(ValueError, match="the config describes no sampler, but {}; it needs `_target_"):
        build_sampler({}, None)


def test_untrained_heads_are_warned_of_once_for_a_model():
    model = DenoiserWithHeads(transformer(), {"halting": HaltingHead(32)})
    trained = TrainedModel(model, None, (), untrained=frozenset({"halting"}))
    node = resolve(compose_part("sampler", "learned"))
    with pytest.warns(UserWarning, match="no stage has trained: halting"):
        trained.build(node)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        trained.build(node)
