"""Training on two processes by Lightning's own strategy: disjoint batches, equal weights."""

from itertools import islice
from pathlib import Path

import pytest
import torch
from lightning.pytorch import Trainer
from user_extensions import Witness

from adaptive_diffusion.config import compose, instantiate, resolve
from adaptive_diffusion.runs.experiment import run_experiment
from adaptive_diffusion.storage.checkpoint import load_checkpoint
from adaptive_diffusion.storage.folder import RunFolder
from adaptive_diffusion.training.lightning_data import LightningData

SMALL = [
    "task=sudoku_4x4",
    "model=sudoku_4x4",
    "task.batch_size=16",
    "stages.remasking.steps=3",
    "stages.remasking.module.compile=null",
    "stages.remasking.module.training_states.0.rows=4",
    "stages.remasking.module.training_states.1.rows=4",
    "stages.remasking.module.training_states.2.rows=8",
]
ALONE = ["stages.remasking.after=null", "stages.denoiser=null", "stages.halting=null", "stages.evaluation=null"]

pytestmark = pytest.mark.slow


def test_two_processes_see_other_puzzles_and_learn_the_same_weights(tmp_path: Path) -> None:
    config = resolve(compose("quickstart", SMALL))
    stage = config["stages"]["remasking"]
    torch.manual_seed(0)
    module = instantiate(stage["module"])(model=instantiate(config["model"]), seed=0)
    trainer = Trainer(
        accelerator="cpu",
        devices=2,
        strategy="ddp_spawn",
        max_steps=3,
        callbacks=[Witness(tmp_path)],
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
    )
    trainer.fit(module, LightningData(instantiate(config["task"])))
    seen, weights = {}, {}
    for rank in range(2):
        for step in range(3):
            seen[rank, step], weights[rank, step] = torch.load(tmp_path / f"{rank}-{step}.pt")
    for step in range(3):
        assert torch.equal(weights[0, step], weights[1, step])
    assert not torch.equal(weights[0, 0], weights[0, 2])
    data = instantiate(config["task"])
    for number, batch in enumerate(islice(data.train_stream(), 6)):
        assert torch.equal(seen[number % 2, number // 2], data.task.targets(batch))


def test_a_training_stage_takes_a_strategy(tmp_path: Path) -> None:
    many = ["+stages.remasking.devices=2", "+stages.remasking.strategy=ddp_fork", "stages.report=null"]
    with RunFolder(tmp_path / "run") as folder:
        run_experiment(compose("quickstart", [*SMALL, *ALONE, *many]), folder, say=lambda line: None)
    trained = load_checkpoint(tmp_path / "run" / "checkpoints" / "remasking.safetensors")
    assert all(weight.isfinite().all() for weight in trained.parameters())
    assert (tmp_path / "run" / "metrics.csv").read_text().startswith("stage,step")
