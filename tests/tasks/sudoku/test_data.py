from dataclasses import replace
from itertools import islice
from pathlib import Path
from threading import Event

import pytest
import torch
from hydra.utils import instantiate
from lightning.pytorch import LightningModule, Trainer
from omegaconf import OmegaConf

from adaptive_diffusion.tasks.sudoku import SudokuDataModule
from adaptive_diffusion.tasks.sudoku.data import PuzzleStream
from adaptive_diffusion.tasks.sudoku.generator import CLUES
from adaptive_diffusion.tasks.sudoku.geometry import geometry
from adaptive_diffusion.tasks.sudoku.split import SPLITS, split_of


def small(**options) -> SudokuDataModule:
    return SudokuDataModule(**{"size": 4, "batch_size": 8, "validation_puzzles": 20, "test_puzzles": 20, **options})


def batches(data: SudokuDataModule, count: int) -> list[dict[str, torch.Tensor]]:
    return list(islice(data.train_dataloader(), count))


def same(left, right) -> bool:
    return all(torch.equal(left[name], right[name]) for name in left.keys() | right.keys())


def test_a_batch_holds_solution_tokens_and_where_clues_are_given():
    (batch,) = batches(small(size=6), 1)
    assert {name: (value.dtype, tuple(value.shape)) for name, value in batch.items()} == {
        "tokens": (torch.int64, (8, 36)),
        "given": (torch.bool, (8, 36)),
        "guesses": (torch.int64, (8,)),
        "clues": (torch.int64, (8,)),
    }
    assert torch.equal(batch["tokens"].unique(), torch.arange(6))
    assert torch.equal(batch["given"].sum(dim=1), batch["clues"])


@pytest.mark.parametrize("copies", [1, 3])
def test_a_stream_resumed_at_a_batch_goes_on_with_the_same_batches(copies):
    whole = batches(small(copies=copies), 6)
    resumed = small(copies=copies)
    resumed.load_state_dict({"position": 32, "seed": 0})
    for expected, batch in zip(whole[4:], batches(resumed, 2), strict=True):
        assert same(expected, batch)
    assert not same(whole[0], whole[4])


def test_neither_threads_nor_the_batch_size_change_the_stream():
    expected = torch.cat([batch["tokens"] for batch in batches(small(), 6)])
    threaded = torch.cat([batch["tokens"] for batch in batches(small(threads=3, batch_size=16), 3)])
    assert torch.equal(expected, threaded)


@pytest.fixture
def gated(monkeypatch):
    """A training stream whose batches from the third on are made only once the gate is opened."""
    gate, made = Event(), []
    plain = PuzzleStream.batch

    def batch(self, position):
        if position >= 16 and not gate.wait(60):
            raise AssertionError("somebody waited for a batch that nobody needed yet")
        made.append(position)
        return plain(self, position)

    monkeypatch.setattr(PuzzleStream, "batch", batch)
    yield iter(small().train_stream()), gate, made
    gate.set()


def test_a_batch_that_is_ready_is_handed_out_while_later_ones_are_still_made(gated):
    stream, _, made = gated
    next(stream), next(stream)
    assert made == [0, 8]


def test_a_stream_that_is_left_does_not_wait_for_the_batches_ahead(gated):
    stream, gate, made = gated
    next(stream)
    stream.close()
    assert not gate.is_set()
    assert 24 not in made


def test_training_puzzles_follow_the_seed_and_the_fixed_sets_do_not():
    first, second = small(), small(seed=1)
    assert not same(*(batches(data, 1)[0] for data in (first, second)))
    assert (first.test.puzzles == second.test.puzzles).all()
    assert (first.validation.puzzles == second.validation.puzzles).all()


def test_each_set_is_of_its_own_split():
    data = small(size=6, batch_size=200, stratified_puzzles=8)
    training = batches(data, 1)[0]["tokens"].numpy() + 1
    sets = {"train": training, "validation": data.validation.solutions, "test": data.test.solutions}
    for split, grids in [*sets.items(), ("test", data.stratified_test.solutions)]:
        assert (split_of(geometry(6), grids) == SPLITS.index(split)).all()


def test_evaluation_batches_hold_every_puzzle_once():
    data = small(evaluation_batch_size=7)
    assert [len(batch["tokens"]) for batch in data.val_dataloader()] == [7, 7, 6]
    tokens = torch.cat([batch["tokens"] for batch in data.test_dataloader()])
    assert torch.equal(tokens, torch.from_numpy(data.test.solutions).long() - 1)


def test_copies_are_images_of_the_same_puzzle():
    (batch,) = batches(small(size=9, copies=4), 1)
    assert batch["clues"][:4].unique().numel() == batch["clues"][4:].unique().numel() == 1
    assert batch["tokens"].unique(dim=0).shape[0] == 8


@pytest.mark.parametrize("name", ["batch_size", "copies", "threads"])
def test_a_count_of_none_is_refused(name):
    with pytest.raises(ValueError, match=f"{name} must be at least 1"):
        small(**{name: 0})


class Witness(LightningModule):
    """Remembers what it was trained on."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = torch.nn.Parameter(torch.zeros(()))
        self.seen: list[torch.Tensor] = []

    def training_step(self, batch):
        self.seen.append(batch["tokens"])
        return self.weight * 1.0

    def validation_step(self, batch):
        pass

    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), lr=0.1)


def train(folder: Path, steps: int, checkpoint: Path | None = None) -> tuple[Trainer, list[torch.Tensor]]:
    witness = Witness()
    trainer = Trainer(
        default_root_dir=folder,
        max_steps=steps,
        val_check_interval=2,
        accelerator="cpu",
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
    )
    trainer.fit(witness, small(), ckpt_path=checkpoint, weights_only=True)
    return trainer, witness.seen


def test_a_training_run_resumes_on_the_batches_it_would_have_seen(tmp_path):
    _, uninterrupted = train(tmp_path, 7)
    trainer, before = train(tmp_path, 3)
    trainer.save_checkpoint(tmp_path / "three.ckpt")
    _, after = train(tmp_path, 7, tmp_path / "three.ckpt")
    assert len(before) == 3
    assert torch.equal(torch.stack(before + after), torch.stack(uninterrupted))


def test_processes_that_train_together_share_the_stream_out_among_them():
    whole = small().train_stream()
    parts = [replace(whole, part=part, parts=2) for part in range(2)]
    batches = [batch["tokens"] for batch in islice(whole, 4)]
    for part, stream in enumerate(parts):
        for mine, batch in zip(batches[part::2], islice(stream, 2), strict=True):
            assert torch.equal(mine, batch["tokens"])


@pytest.mark.parametrize("size", [4, 6, 9])
def test_the_config_of_each_size_builds_its_data(size):
    path = Path(__file__).parents[3] / "configs" / "task" / f"sudoku_{size}x{size}.yaml"
    data = instantiate(OmegaConf.load(path))
    assert data.task.size == size
    assert data.clues == CLUES[size]
