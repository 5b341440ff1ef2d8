"""Sudoku batches: streams that can be resumed, fixed evaluation sets and their splits."""

from itertools import islice
from pathlib import Path
from threading import Event

import numpy as np
import pytest
import torch
from hydra.utils import instantiate
from lightning.pytorch import LightningModule, Trainer
from omegaconf import OmegaConf

from adaptive_diffusion.tasks.splits import SPLITS
from adaptive_diffusion.tasks.sudoku import Puzzles, SudokuDataModule
from adaptive_diffusion.tasks.sudoku.generator import CLUES
from adaptive_diffusion.tasks.sudoku.geometry import geometry
from adaptive_diffusion.tasks.sudoku.split import BY_RELABELLING
from adaptive_diffusion.training.lightning_data import LightningData


def small(**options) -> SudokuDataModule:
    return SudokuDataModule(**{"size": 4, "batch_size": 8, "validation_puzzles": 20, "test_puzzles": 20, **options})


def batches(data: SudokuDataModule, count: int, position: int = 0) -> list[Puzzles]:
    return list(islice(data.train_stream(position), count))


def same(left: Puzzles, right: Puzzles) -> bool:
    return np.array_equal(left.puzzles, right.puzzles) and np.array_equal(left.solutions, right.solutions)


def test_batch_holds_queries_and_solution_tokens():
    data = small(size=6)
    (problems,) = batches(data, 1)
    batch = data.batch(problems, first_id=40)
    assert batch.queries.ids.tolist() == list(range(40, 48))
    assert torch.equal(batch.clean, torch.from_numpy(problems.solutions).long() - 1)
    assert torch.equal((~batch.queries.editable).sum(dim=1), torch.from_numpy(problems.clues))
    assert batch.problems is problems


@pytest.mark.parametrize("copies", [1, 3])
def test_a_stream_resumed_at_a_batch_goes_on_with_the_same_batches(copies):
    complete = batches(small(copies=copies), 6)
    for expected, batch in zip(complete[4:], batches(small(copies=copies), 2, position=32), strict=True):
        assert same(expected, batch)
    assert not same(complete[0], complete[4])


def test_neither_threads_nor_the_batch_size_change_the_stream():
    expected = Puzzles.concatenate(batches(small(), 6))
    threaded = Puzzles.concatenate(batches(small(threads=3, batch_size=16), 3))
    assert same(expected, threaded)


@pytest.fixture
def gated(monkeypatch):
    """A training stream whose batches from the third on are made only once the gate is opened."""
    gate, made = Event(), []
    plain = SudokuDataModule.training

    def training(self, position, count):
        if position >= 16 and not gate.wait(60):
            raise AssertionError("a batch that is not needed yet was waited for")
        made.append(position)
        return plain(self, position, count)

    monkeypatch.setattr(SudokuDataModule, "training", training)
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
    training = batches(data, 1)[0].solutions
    sets = {"train": training, "validation": data.validation.solutions, "test": data.test.solutions}
    for split, grids in [*sets.items(), ("test", data.stratified_test.solutions)]:
        assert (BY_RELABELLING.splits_of(geometry(6), grids) == SPLITS.index(split)).all()


def test_evaluation_batches_hold_every_puzzle_once():
    data = small(evaluation_batch_size=7)
    assert [len(batch) for batch in data.val_dataloader()] == [7, 7, 6]
    assert same(Puzzles.concatenate(list(data.test_dataloader())), data.test)


def test_copies_are_images_of_the_same_puzzle():
    (batch,) = batches(small(size=9, copies=4), 1)
    assert len(set(batch.clues[:4].tolist())) == len(set(batch.clues[4:].tolist())) == 1
    assert len(np.unique(batch.solutions, axis=0)) == 8


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
        self.seen.append(torch.cat([batch.queries.ids[:, None], batch.clean], dim=1))
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
    trainer.fit(witness, LightningData(small()), ckpt_path=checkpoint, weights_only=True)
    return trainer, witness.seen


def test_a_training_run_resumes_on_the_batches_it_would_have_seen(tmp_path):
    _, uninterrupted = train(tmp_path, 7)
    trainer, before = train(tmp_path, 3)
    trainer.save_checkpoint(tmp_path / "three.ckpt")
    _, after = train(tmp_path, 7, tmp_path / "three.ckpt")
    assert len(before) == 3
    assert torch.equal(torch.stack(before + after), torch.stack(uninterrupted))


@pytest.mark.parametrize("size", [4, 6, 9])
def test_the_config_of_each_size_builds_its_data(size):
    path = Path(__file__).parents[3] / "configs" / "task" / f"sudoku_{size}x{size}.yaml"
    data = instantiate(OmegaConf.merge(OmegaConf.load(path), {"seed": 0}))
    assert data.task.size == size
    assert data.clues == CLUES[size]
