"""Stages and modules as a user would bring them, for the tests of runs and commands."""

import os
import signal
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import torch
from lightning.pytorch.callbacks import Callback
from torch import nn

from adaptive_diffusion.runs.stage import Stage


def fail():
    raise RuntimeError("the machine is on fire")


def full_disk():
    raise OSError(28, "No space left on device", "trace.parquet")


def interrupt():
    raise KeyboardInterrupt


def exit_like_lightning():
    try:
        interrupt()
    except KeyboardInterrupt:
        sys.exit(1)


THEN = {
    "nothing": lambda: None,
    "fail": fail,
    "full disk": full_disk,
    "interrupt": interrupt,
    "exit like lightning": exit_like_lightning,
    "terminate": lambda: signal.raise_signal(signal.SIGTERM),
}


class Misfit(Stage):
    """Fits no run."""

    trains = True

    def __init__(self, log: str, then: str = "nothing", more: object = None) -> None:
        pass

    def check(self, context, dry_run):
        raise ValueError("nothing fits")

    def __call__(self, context):
        raise AssertionError("a stage that does not fit was run")


class Work(Stage):
    """Notes each call in ``log.txt``; ``at`` names what it does besides."""

    trains = True

    def __init__(self, log: str, then: str = "nothing", more: object = None) -> None:
        if then == "refuse":
            raise ValueError("this stage refuses its config")
        self.log, self.then = Path(log), then

    def __call__(self, context):
        folder, resume = context.folder, context.resume
        state = resume / "half"
        with self.log.open("a") as log:
            log.write(f"{resume.name}{' resumed' if state.exists() else ''}\n")
        state.write_text("half")
        if self.then == "interrupt once" and not (folder.path / "interrupted").exists():
            folder.write("interrupted", "")
            raise KeyboardInterrupt
        if self.then != "interrupt once":
            THEN[self.then]()
        folder.write(f"{resume.name}.txt", "result")


class Look(Work):
    """The same, but no training."""

    trains = False


@dataclass(frozen=True)
class Inheriting(Stage):
    """Writes down what it was given."""

    data: dict
    seed: int = 0

    def __call__(self, context):
        context.folder.write_json(f"{context.name}.json", [self.data, self.seed, list(context.earlier)])


class Measure(Stage):
    """A stage that writes the summary of a sampler whose figures follow from `level` and `seed`.

    With `kill` it kills the process that started it, once, and waits for its own end.
    """

    trains = False

    def __init__(self, log: str, level: int, seed: int, kill: bool = False) -> None:
        self.log, self.level, self.seed, self.kill = Path(log), level, seed, kill

    def __call__(self, context):
        folder = context.folder
        mark = self.log.with_name("killed.once")
        if self.kill and not mark.exists():
            mark.touch()
            os.kill(os.getppid(), signal.SIGKILL)
            signal.pause()
        with self.log.open("a") as log:
            log.write(f"{self.level} {self.seed}\n")
        exact, nfe = 0.5 + self.level / 100 + self.seed / 1000, 3.0 + self.level * (1 + self.seed)
        row = {
            "sampler": "toy",
            "correct": exact,
            "exact": exact,
            "valid": None,
            "nfe_mean": nfe,
            "seconds": time.perf_counter(),
        }
        folder.write_json("summary.json", {"samplers": [row]})


class Witness(Callback):
    """Writes down what each process saw and what it had learnt after each step."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def on_train_batch_end(self, trainer, pl_module, outputs, batch, batch_idx):
        weights = torch.cat([weight.detach().flatten() for weight in pl_module.model.parameters()])
        torch.save((batch.clean, weights), self.folder / f"{trainer.global_rank}-{batch_idx}.pt")


class Net(nn.Module):
    """A small module with a tied weight, a buffer, and a dimension to get wrong."""

    def __init__(self, width: int = 3, tied: bool = False) -> None:
        super().__init__()
        self.first = nn.Linear(width, width)
        self.second = nn.Linear(width, width)
        if tied:
            self.second.weight = self.first.weight
        self.register_buffer("count", torch.zeros((), dtype=torch.long))
        self.register_buffer("table", torch.arange(width).float(), persistent=False)


def not_a_module(width: int = 3) -> int:
    return width
