"""The progress of a training: a bar in a terminal, a line for each tenth of the way elsewhere."""

import sys

import pytest
import torch
from lightning.pytorch import LightningModule, Trainer
from lightning.pytorch.callbacks import TQDMProgressBar
from torch.utils.data import DataLoader

from adaptive_diffusion.training.progress import progress


class Slope(LightningModule):
    """One weight that is pulled to 0."""

    def __init__(self):
        super().__init__()
        self.weight = torch.nn.Parameter(torch.ones(()))

    def training_step(self, batch, index):
        self.log("train/loss", self.weight.detach(), prog_bar=True)
        return self.weight**2

    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), lr=0.1)


def train(steps):
    options = {"logger": False, "enable_checkpointing": False, "enable_model_summary": False, "accelerator": "cpu"}
    data = DataLoader(range(1000))  # type: ignore[arg-type]
    Trainer(max_steps=steps, **options, **progress("denoiser", steps)).fit(Slope(), data)


def test_log_has_a_line_for_each_tenth_of_the_steps(capsys, monkeypatch):
    monkeypatch.setattr(sys.stdout, "isatty", lambda: False, raising=False)
    train(40)
    lines = capsys.readouterr().out.splitlines()
    assert [line.split("  ")[0] for line in lines] == [f"denoiser: step {step} of 40" for step in range(4, 41, 4)]
    assert "loss 0." in lines[1]
    assert lines[1].endswith("steps/s")


@pytest.mark.parametrize("steps", [1, 3, 10])
def test_last_step_is_logged(capsys, monkeypatch, steps):
    monkeypatch.setattr(sys.stdout, "isatty", lambda: False, raising=False)
    train(steps)
    assert capsys.readouterr().out.splitlines()[-1].startswith(f"denoiser: step {steps} of {steps}  ")


def test_terminal_shows_the_bar_of_lightning(capsys, monkeypatch):
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    assert isinstance(progress("denoiser", 40)["callbacks"][0], TQDMProgressBar)
    train(40)
    shown = capsys.readouterr()
    assert "40/40" in shown.out + shown.err
    assert "step 4 of 40" not in shown.out
