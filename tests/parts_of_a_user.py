"""Stages and modules as a user would bring them, for the tests of runs and commands."""

import signal
import sys
from pathlib import Path

import torch
from torch import nn


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


class Work:
    """Notes each call in ``log.txt``; ``at`` names what it does besides."""

    trains = True

    def __init__(self, log: str, then: str = "nothing", more: object = None) -> None:
        if then == "refuse":
            raise ValueError("this stage refuses its config")
        self.log, self.then = Path(log), then

    def __call__(self, folder, resume):
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
