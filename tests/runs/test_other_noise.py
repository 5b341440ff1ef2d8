"""The experiment of other noises, small: every checkpoint it leaves answers by the samplers it is for."""

import pytest
from small_worlds import random_queries

from adaptive_diffusion.config import compose, compose_part, instantiate, resolve
from adaptive_diffusion.runs.experiment import run_experiment
from adaptive_diffusion.runs.trained_model import load_trained_model
from adaptive_diffusion.storage.checkpoint import save_checkpoint
from adaptive_diffusion.storage.folder import RunFolder

TRAINED = ("uniform", "bound", "mixed", "planner")
SMALL = ["task.batch_size=16", *(f"stages.{name}.steps=2" for name in TRAINED)]
SMALL += [f"stages.{name}.module.compile=null" for name in TRAINED]


@pytest.fixture(scope="module")
def checkpoints(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs")
    node = resolve(compose_part("model", "sudoku_6x6_small"))
    save_checkpoint(folder / "masked.safetensors", instantiate(node), node)
    with RunFolder(folder / "noise") as run:
        config = compose("other_noise", [*SMALL, f"masked={folder / 'masked.safetensors'}"])
        run_experiment(config, run, say=lambda line: None)
    return folder / "noise" / "checkpoints"


@pytest.mark.filterwarnings("ignore:.*revised nothing")
@pytest.mark.parametrize(
    ("stage", "sampler", "forwards"),
    [
        ("uniform", "uniform", 32),
        ("uniform", "diffusion_gemma", 48),
        ("bound", "uniform_bound", 32),
        ("mixed", "gidd", 160),
        ("planned", "ddpd", 72),
    ],
)
def test_every_checkpoint_answers_by_its_samplers(checkpoints, stage, sampler, forwards):
    source = load_trained_model(checkpoints / f"{stage}.safetensors")
    result = source.sampler(sampler).sample(random_queries(3, 36, 6))
    assert ((result.answers >= 0) & (result.answers < 6)).all()
    assert (result.nfe <= forwards).all()
