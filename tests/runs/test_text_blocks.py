"""Block diffusion by config: trained, measured, and sampled block after block."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from adaptive_diffusion.config import compose
from adaptive_diffusion.core.batch import Batch
from adaptive_diffusion.core.query import Queries
from adaptive_diffusion.models.blockwise import BlockCausalTransformer, CleanBlocks
from adaptive_diffusion.models.positions import RelationalPositions
from adaptive_diffusion.runs.experiment import run_experiment
from adaptive_diffusion.runs.trained_model import load_trained_model
from adaptive_diffusion.storage.folder import RunFolder
from adaptive_diffusion.training.clean_beside import CleanBeside
from adaptive_diffusion.training.forward_process import ForwardProcess

SMALL = [
    "task.length=128",
    "task.batch_size=4",
    "task.test_problems=4",
    "task.evaluation_windows=6",
    "model.denoiser.width=32",
    "model.denoiser.depth=1",
    "model.denoiser.context=96",
    "stages.blocks.steps=2",
    "stages.blocks.module.compile=null",
    "stages.likelihood.passes=2",
]


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    corpus = tmp_path_factory.mktemp("corpus")
    for n in range(100, 180):
        (corpus / f"{n}.txt").write_text(f"The number {n} comes after {n - 1} and before {n + 1}.\n" * 6)
    path = tmp_path_factory.mktemp("runs") / "blocks"
    with RunFolder(path) as folder:
        run_experiment(compose("text_blocks", [*SMALL, f"task.corpus={corpus}"]), folder, say=lambda line: None)
    return path


def test_bits_per_byte_of_blocks_are_measured(finished: Path) -> None:
    (row,) = json.loads((finished / "bits_per_byte.json").read_text())["models"]
    assert row["model"] == "blocks"
    assert 0 < row["low"] <= row["bits_per_byte"] <= row["high"] < 20


@pytest.mark.parametrize("given", [0, 32, 96])
def test_checkpoint_writes_the_blocks_behind_what_is_given(finished: Path, given: int) -> None:
    source = load_trained_model(finished / "checkpoints" / "blocks.safetensors")
    tokens = torch.randint(257, (2, 128), generator=torch.Generator().manual_seed(0))
    queries = Queries.of(tokens, (torch.arange(128) >= given).expand(2, -1))
    result = source.sampler("block_diffusion pace.threshold=0.0").sample(queries)
    assert ((result.answers >= 0) & (result.answers < 257)).all()
    assert torch.equal(result.answers[:, :given], tokens[:, :given])
    # With threshold 0 a block is written in one forward, and read once more when it is clean.
    written = (128 - given) // 32
    assert result.nfe.tolist() == [written + 128 // 32 - 1] * 2


def test_each_block_is_predicted_from_itself_and_the_clean_blocks_before_it(finished: Path) -> None:
    model = load_trained_model(finished / "checkpoints" / "blocks.safetensors").model
    clean = torch.randint(257, (4, 128), generator=torch.Generator().manual_seed(0))
    editable = torch.arange(128) < 80  # the last block and half of the one before it are padding
    batch = Batch(Queries.of(clean, editable.expand(4, -1)), clean)
    state, _ = CleanBeside(ForwardProcess(4)).begin(model, batch, seed=0)
    beside = {CleanBlocks.clean: state.carry[CleanBlocks.clean]}
    noised = model.denoiser.evaluate(replace(state, carry=beside)).hidden
    for first in range(0, 128, 32):
        tokens = clean.clone()
        tokens[:, first : first + 32] = state.tokens[:, first : first + 32]
        alone = model.denoiser.evaluate(replace(state, tokens=tokens, carry={})).hidden
        assert torch.allclose(noised[:, first : first + 32], alone[:, first : first + 32], atol=1e-5)


def test_positions_that_bias_attention_are_refused() -> None:
    with pytest.raises(ValueError, match="RelationalPositions bias attention"):
        BlockCausalTransformer(5, RelationalPositions.line(64), width=16, depth=1, heads=2)
