"""The experiment of self-correction, small: it starts from another run's checkpoint, and adds heads to it."""

from pathlib import Path

import pytest
import torch

from adaptive_diffusion.config import compose, instantiate, resolve
from adaptive_diffusion.config.search import choices
from adaptive_diffusion.runs.experiment import run_experiment
from adaptive_diffusion.storage.checkpoint import load_checkpoint, save_checkpoint
from adaptive_diffusion.storage.folder import RunFolder

SMALL = ["task=sudoku_4x4", "model=sudoku_4x4", "task.batch_size=16", "stages.policy.steps=2", "stages.halting.steps=2"]
ROWS = [
    "stages.policy.module.training_states.0={rows: 16, queries: 4, group: 4}",
    "stages.halting.module.training_states.0.rows=16",
]


@pytest.mark.slow
def test_heads_are_added_to_a_denoiser_that_stays_as_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    config = resolve(compose("self_correction", SMALL))["model"]
    plain = {name: part for name, part in config.items() if name != "policy"}
    torch.manual_seed(0)
    start = instantiate(plain)
    save_checkpoint(tmp_path / "start.safetensors", start, plain, {})
    chosen = compose("self_correction", [*SMALL, *ROWS, f"start={tmp_path / 'start.safetensors'}"])
    with RunFolder(tmp_path / "run") as folder:
        run_experiment(chosen, folder)
    trained = load_checkpoint(tmp_path / "run" / "checkpoints" / "halting.safetensors")
    for name, value in start.denoiser.state_dict().items():
        assert torch.equal(trained.denoiser.state_dict()[name], value)
    assert trained.head("policy") is not None
    assert not torch.equal(trained.head("halting").all[-1].bias, start.head("halting").all[-1].bias)


def test_every_way_of_training_remasking_names_parts_that_exist() -> None:
    for name in choices("training"):
        changes = [f"training@stages.policy={name}", "+model.denoiser.block_length=3"]  # for the training of blocks
        config = resolve(compose("self_correction", changes))
        module = config["stages"]["policy"]["module"]
        assert set(module["trainable"]) <= {"answer_quality", "denoiser", "quality", "policy", "halting", "unmasking"}
        for part in (*module["training_states"], *module["objectives"]):
            if "sampler" not in part:
                instantiate(part)
