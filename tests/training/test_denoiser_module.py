"""A module compiled and not: both train, and where no compiler works it says so and goes on."""

import logging

import pytest
import torch
from lightning.pytorch import Trainer

from adaptive_diffusion.core.batch import Batch
from adaptive_diffusion.core.query import Queries
from adaptive_diffusion.models.blockwise import BlockCausalTransformer
from adaptive_diffusion.models.heads import DenoiserWithHeads
from adaptive_diffusion.models.positions import LearnedPositions, RelationalPositions, RotaryPositions
from adaptive_diffusion.models.transformer import TransformerDenoiser
from adaptive_diffusion.objectives.denoising import Denoising
from adaptive_diffusion.tasks.sudoku import SudokuDataModule
from adaptive_diffusion.training.clean_beside import CleanBeside
from adaptive_diffusion.training.denoiser_module import DenoiserModule
from adaptive_diffusion.training.lightning_data import LightningData
from adaptive_diffusion.training.training_states import RandomMasking

ROWS, LENGTH, TOKENS = 16, 6, 3


def losses(compiled: bool, steps: int = 4) -> list[float]:
    """The losses of a few steps on a batch that does not change."""
    torch.manual_seed(0)
    trunk = TransformerDenoiser(TOKENS, LearnedPositions([[i] for i in range(LENGTH)]), width=16, depth=1, heads=2)
    compile_layers = "blocks" if compiled else None
    module = DenoiserModule(DenoiserWithHeads(trunk), [RandomMasking(ROWS)], [Denoising()], compile=compile_layers)
    optimizer = torch.optim.AdamW(module.parameters(), lr=1e-2, fused=True)
    clean = torch.randint(TOKENS, (ROWS, LENGTH), generator=torch.Generator().manual_seed(1))
    batch, seen = Batch(Queries.of(clean, torch.ones_like(clean).bool()), clean), []
    for _ in range(steps):
        optimizer.zero_grad()
        loss = module.training_step(batch, 0)
        loss.backward()
        optimizer.step()
        seen.append(loss.item())
    return seen


def test_losses_stand_in_the_progress_bar():
    trunk = TransformerDenoiser(4, RelationalPositions.grid(4, 4, 2, 2), width=8, depth=1, heads=2)
    module = DenoiserModule(DenoiserWithHeads(trunk), [RandomMasking(ROWS)], [Denoising()])
    trainer = Trainer(max_steps=1, accelerator="cpu", logger=False, enable_checkpointing=False, limit_val_batches=0)
    trainer.fit(module, LightningData(SudokuDataModule(4, batch_size=ROWS)))
    assert trainer.progress_bar_metrics.keys() == {"train/denoising"}


def test_a_module_trains():
    first, *_, last = losses(compiled=False)
    assert last < first


@pytest.mark.slow
def test_a_compiled_module_trains_as_the_uncompiled_one_does(caplog):
    with caplog.at_level(logging.WARNING):
        compiled = losses(compiled=True)
    if "runs uncompiled" in caplog.text:
        pytest.skip("no compiler here")
    torch.testing.assert_close(compiled, losses(compiled=False), rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("wrong", [True, "layers"])
def test_name_that_compiles_nothing_is_refused_with_the_names_of_the_layers(wrong):
    trunk = TransformerDenoiser(TOKENS, LearnedPositions([[0]]), width=8, depth=1, heads=2)
    with pytest.raises(ValueError, match=f"compile={wrong!r} names no submodules.*'blocks'.*or null"):
        DenoiserModule(DenoiserWithHeads(trunk), [RandomMasking(ROWS)], [Denoising()], compile=wrong)


@pytest.fixture
def no_compiler(monkeypatch):
    """A machine on which compiling fails at the first call."""

    def fails(*_):
        raise RuntimeError("no working C++ compiler")

    monkeypatch.setattr(torch, "compile", lambda *_, **__: fails)


def test_without_a_compiler_training_warns_once_and_runs_uncompiled(no_compiler, caplog):
    with caplog.at_level(logging.WARNING):
        assert losses(compiled=True) == losses(compiled=False)
    assert caplog.text.count("runs uncompiled: no working C++ compiler") == 1


def test_a_mistake_of_the_trunk_itself_is_not_hidden_by_the_fallback(no_compiler, monkeypatch):
    def mistaken(*_, **__):
        raise RuntimeError("shapes do not match")

    monkeypatch.setattr(TransformerDenoiser, "hidden", mistaken)
    with pytest.raises(RuntimeError, match="shapes do not match"):
        losses(compiled=True)


@pytest.mark.parametrize("beside", [0, 1])
def test_sources_that_carry_different_things_are_refused(beside):
    size = {"width": 8, "depth": 1, "heads": 2, "block_length": 2, "context": 6}
    trunk = BlockCausalTransformer(TOKENS, RotaryPositions.line(LENGTH), **size)
    sources = [RandomMasking(2), RandomMasking(2)]
    sources[beside] = CleanBeside(sources[beside])
    clean = torch.randint(TOKENS, (4, LENGTH), generator=torch.Generator().manual_seed(1))
    batch = Batch(Queries.of(clean, torch.ones_like(clean).bool()), clean)
    with pytest.raises(ValueError, match=r"RandomMasking \(nothing\)") as refused:
        DenoiserModule(DenoiserWithHeads(trunk), sources, [Denoising()]).training_step(batch, 0)
    assert "CleanBeside (clean sequence)" in str(refused.value)
    both = [CleanBeside(RandomMasking(2)), CleanBeside(RandomMasking(2))]
    assert DenoiserModule(DenoiserWithHeads(trunk), both, [Denoising()]).training_step(batch, 0).isfinite()
