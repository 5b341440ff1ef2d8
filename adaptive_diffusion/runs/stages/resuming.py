"""What a training needs to go on after an interruption: its state, and the figures logged so far."""

import csv
import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from lightning.pytorch.loggers import Logger
from lightning.pytorch.plugins.io import CheckpointIO

from adaptive_diffusion.storage.atomic_write import atomic_write_file

METRICS = "metrics.csv"


class States(CheckpointIO):
    """Resumable states: written atomically, read as tensors and plain values. A run folder may be untrusted, and a
    pickle could run any code.

    Args:
        loggers: are brought to the disk first, so that what was logged is never behind the state.
        steps: of the training in total. The state after the last of them is not written: Lightning trains nothing from
            there and so never puts the average in the place of the last weights; from the state before it does.
        needs: keys that a state must have. Lightning skips what is missing, and so would begin the data anew.
    """

    def __init__(self, loggers: Sequence[Logger], steps: int | None = None, needs: Sequence[str] = ()) -> None:
        self.loggers, self.steps, self.needs = loggers, steps, needs

    def save_checkpoint(self, checkpoint: dict[str, Any], path: Any, storage_options: Any = None) -> None:
        for logger in self.loggers:
            logger.save()
        if self.steps is not None and checkpoint["global_step"] >= self.steps:
            return
        content = io.BytesIO()
        torch.save(checkpoint, content)
        atomic_write_file(Path(path), content.getvalue())

    def load_checkpoint(self, path: Any, map_location: Any = None, weights_only: bool | None = True) -> dict[str, Any]:
        """Raises `ValueError` for what holds more than tensors and plain values, is damaged, or is of a version of this
        program whose states were made otherwise. What was saved on a GPU is read onto the CPU unless `map_location`
        names another device, since this machine may have none; Lightning and `Rows.restored` move it on."""
        try:
            state = torch.load(path, map_location=map_location or "cpu", weights_only=True)
        except Exception as error:  # unpickling fails in as many ways as there are bytes
            raise ValueError(
                f"{path} is refused: it is damaged, or holds more than tensors and plain values. Remove its folder to "
                "train the stage anew."
            ) from error
        if missing := [key for key in self.needs if key not in state]:
            raise ValueError(
                f"{path} is refused: it has no {missing[0]}, so another version of this program wrote it. Remove its "
                "folder to train the stage anew, or go on with that version."
            )
        return state

    def remove_checkpoint(self, path: Any) -> None:
        Path(path).unlink(missing_ok=True)


def set_aside(logs: Path, resumed: bool) -> None:
    """Keeps a stage's metrics of before an interruption where the logger, which begins a new file, does not remove
    them; without a state to go on from they are of no use."""
    found = sorted(logs.glob("metrics*.csv"))
    if not resumed:
        for file in found:
            file.unlink()
    elif (logs / METRICS).is_file():
        (logs / METRICS).rename(logs / f"metrics-{len(found):03d}.csv")


def all_metrics(logs: Path, stages: Sequence[str]) -> str:
    """The logs of stages as one CSV with the stage in front, in the order of `stages`; what was trained again after an
    interruption counts once."""
    rows, columns = [], ["stage", "step"]
    for stage in stages:
        steps: dict[str, dict[str, str]] = {}
        for path in [*sorted((logs / stage).glob("metrics-*.csv")), *(logs / stage).glob(METRICS)]:
            with path.open(newline="") as file:
                steps |= {row["step"]: row for row in csv.DictReader(file)}
        rows += [{"stage": stage, **row} for row in steps.values()]
    columns += sorted({name for row in rows for name in row} - set(columns))
    lines = [",".join(columns), *(",".join(str(row.get(name, "")) for name in columns) for row in rows)]
    return "\n".join(lines) + "\n"
