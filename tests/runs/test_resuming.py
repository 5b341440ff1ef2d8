"""A training goes on from its state, which is complete, holds no code, and is never ahead of what was logged."""

import csv
import io
import os

import pytest
import torch
from lightning.pytorch.loggers import CSVLogger

from adaptive_diffusion.runs.stages.resuming import States, all_metrics, set_aside


class Bomb:
    """What a pickle would run."""

    def __reduce__(self):
        return os.mkdir, ("owned",)


@pytest.mark.parametrize("content", [{"loops": Bomb()}, {"state_dict": torch.nn.Linear(1, 1)}], ids=["call", "class"])
def test_a_state_with_code_in_it_is_refused_and_runs_nothing(tmp_path, monkeypatch, content):
    monkeypatch.chdir(tmp_path)
    torch.save(content, "last.ckpt")
    with pytest.raises(ValueError, match="last.ckpt is refused: it is damaged, or holds more than tensors"):
        States([]).load_checkpoint("last.ckpt", weights_only=False)
    assert not (tmp_path / "owned").exists()


@pytest.mark.parametrize("content", [b"", b"PK\3\4", b"rubbish" * 99])
def test_a_damaged_state_is_a_sentence(tmp_path, content):
    (tmp_path / "last.ckpt").write_bytes(content)
    with pytest.raises(ValueError, match="Remove its folder to train the stage anew"):
        States([]).load_checkpoint(tmp_path / "last.ckpt")


def test_a_state_of_a_gpu_is_read_where_there_is_none(tmp_path, monkeypatch):
    monkeypatch.setattr(torch.serialization, "location_tag", lambda storage: "cuda:0")
    States([]).save_checkpoint({"slots": torch.arange(3)}, tmp_path / "last.ckpt")
    slots = States([]).load_checkpoint(tmp_path / "last.ckpt")["slots"]
    assert (slots.tolist(), slots.device.type) == ([0, 1, 2], "cpu")


def test_state_of_another_version_is_a_sentence(tmp_path):
    States([]).save_checkpoint({"SudokuDataModule": {"position": 3}}, tmp_path / "last.ckpt")
    with pytest.raises(ValueError, match="it has no LightningData, so another version of this program wrote it"):
        States([], needs=["LightningData"]).load_checkpoint(tmp_path / "last.ckpt")


def test_a_full_disk_leaves_the_state_that_was_there(tmp_path, monkeypatch):
    path = tmp_path / "last.ckpt"
    States([]).save_checkpoint({"step": torch.tensor(1)}, path)

    def full(descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        States([]).save_checkpoint({"step": torch.tensor(2)}, path)
    assert States([]).load_checkpoint(path)["step"] == 1
    assert [file.name for file in tmp_path.iterdir()] == ["last.ckpt"]


def test_what_was_logged_is_on_the_disk_before_the_state(tmp_path):
    logger = CSVLogger(tmp_path, name="logs", version="a", flush_logs_every_n_steps=100)
    logger.log_metrics({"loss": 0.5}, step=3)
    States([logger]).save_checkpoint({}, tmp_path / "last.ckpt")
    assert (tmp_path / "logs" / "a" / "metrics.csv").read_text().split() == ["loss,step", "0.5,3"]


def test_the_state_after_the_last_step_is_not_written_since_nothing_goes_on_from_it(tmp_path):
    for step in (4, 6):
        States([], steps=6).save_checkpoint({"global_step": step}, tmp_path / "last.ckpt")
    assert States([]).load_checkpoint(tmp_path / "last.ckpt") == {"global_step": 4}


def logged(folder, steps, loss):
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "metrics.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, ["loss", "step"])
        writer.writeheader()
        writer.writerows({"loss": loss, "step": step} for step in steps)


def test_the_metrics_of_before_an_interruption_stay_and_what_was_trained_twice_counts_once(tmp_path):
    for number, (steps, loss) in enumerate([((1, 2, 3), "a"), ((3, 4), "b"), ((4, 5), "c")]):
        set_aside(tmp_path / "denoiser", resumed=number > 0)
        logged(tmp_path / "denoiser", steps, loss)
    rows = list(csv.DictReader(io.StringIO(all_metrics(tmp_path, ["denoiser"]))))
    assert [(row["stage"], row["step"], row["loss"]) for row in rows] == [
        ("denoiser", "1", "a"),
        ("denoiser", "2", "a"),
        ("denoiser", "3", "b"),
        ("denoiser", "4", "c"),
        ("denoiser", "5", "c"),
    ]


def test_a_stage_that_begins_anew_forgets_its_metrics(tmp_path):
    logged(tmp_path / "denoiser", [1, 2], "old")
    set_aside(tmp_path / "denoiser", resumed=True)
    logged(tmp_path / "denoiser", [3], "old")
    set_aside(tmp_path / "denoiser", resumed=False)
    logged(tmp_path / "denoiser", [1], "new")
    assert "old" not in all_metrics(tmp_path, ["denoiser"])


def test_metrics_stand_in_the_order_of_the_stages_whatever_the_times_of_the_files(tmp_path):
    for seconds, stage in enumerate(["halting", "denoiser", "left_over"]):
        logged(tmp_path / stage, [1], stage)
        os.utime(tmp_path / stage / "metrics.csv", (seconds, seconds))
    rows = csv.DictReader(io.StringIO(all_metrics(tmp_path, ["denoiser", "rollouts", "halting"])))
    assert [row["stage"] for row in rows] == ["denoiser", "halting"]
