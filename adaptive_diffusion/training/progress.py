"""A line that moves: how far a stage is, its losses, steps per second."""

import sys
import time
from typing import Any

from lightning.pytorch import LightningModule, Trainer
from lightning.pytorch.callbacks import Callback
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bar


class Progress(Callback):
    """A bar in a terminal; elsewhere a line every tenth of the way, so that logs stay readable."""

    def __init__(self, name: str, steps: int):
        self.name, self.steps = name, steps
        self.bar: Bar | None = None

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self.begin, self.first = time.monotonic(), trainer.global_step
        if sys.stdout.isatty() and trainer.is_global_zero:
            columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()
            self.bar = Bar(*columns, TextColumn("{task.fields[figures]}"))
            self.task = self.bar.add_task(self.name, total=self.steps, completed=self.first, figures="")
            self.bar.start()

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        step = trainer.global_step
        tenth = step * 10 // self.steps > (step - 1) * 10 // self.steps
        if step % 20 and not tenth:
            return
        rate = (step - self.first) / max(1e-9, time.monotonic() - self.begin)
        losses = [f"{name.removeprefix('train/')} {float(v):.3f}" for name, v in trainer.callback_metrics.items()]
        figures = "  ".join([*losses, f"{rate:.1f} steps/s"])
        if self.bar is not None:
            self.bar.update(self.task, completed=step, figures=figures)
        elif tenth and trainer.is_global_zero:
            print(f"{self.name}: step {step} of {self.steps}  {figures}", flush=True)

    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self._stop()

    def on_exception(self, trainer: Trainer, pl_module: LightningModule, exception: BaseException) -> None:
        self._stop()

    def _stop(self) -> None:
        if self.bar is not None:
            self.bar.stop()
