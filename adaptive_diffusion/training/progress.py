"""How far a training is: Lightning's bar in a terminal, a line for each tenth of the way elsewhere."""

import sys
import time
from typing import Any

from lightning.pytorch import LightningModule, Trainer
from lightning.pytorch.callbacks import Callback, TQDMProgressBar

REFRESH = 20
"""Steps between two updates of the bar."""


def progress(name: str, steps: int) -> dict[str, Any]:
    """Arguments of a `Trainer` that show the progress of a stage of so many steps."""
    if sys.stdout.isatty():
        return {"callbacks": [TQDMProgressBar(refresh_rate=REFRESH, leave=True)], "enable_progress_bar": True}
    return {"callbacks": [StepLog(name, steps)], "enable_progress_bar": False}


class StepLog(Callback):
    """Prints the losses and the speed after each tenth of the steps.

    Lightning's bars redraw one line, which a log file holds as a single line of control characters (tqdm) or not at all
    before the end (rich).
    """

    def __init__(self, name: str, steps: int) -> None:
        self.name, self.steps = name, steps

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self.begin, self.first = time.monotonic(), trainer.global_step

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        step = trainer.global_step
        if step * 10 // self.steps == (step - 1) * 10 // self.steps or not trainer.is_global_zero:
            return
        speed = (step - self.first) / max(1e-9, time.monotonic() - self.begin)
        losses = [f"{name.removeprefix('train/')} {float(v):.3f}" for name, v in trainer.callback_metrics.items()]
        figures = "  ".join([*losses, f"{speed:.1f} steps/s"])
        print(f"{self.name}: step {step} of {self.steps}  {figures}", flush=True)
