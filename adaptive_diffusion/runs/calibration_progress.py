"""How far a calibration is, on standard error: a bar in a terminal, a line for each setting elsewhere."""

import sys
from typing import Any


class CalibrationProgress:
    """Shows which setting of a sampler is sampled.

    Args:
        name: of the sampler.
        settings: how many are tried at most, the full budget included; calibration ends at the first that fails.
    """

    def __init__(self, name: str, settings: int) -> None:
        self.name, self.settings, self.begun = name, settings, 0
        self.bar: Any = None
        if sys.stderr.isatty():
            from rich.console import Console
            from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

            columns = TextColumn("{task.description}", markup=False), BarColumn(), TimeElapsedColumn()
            self.bar = Progress(*columns, console=Console(stderr=True), transient=True)
            self.line = self.bar.add_task(f"{name}: calibrating", total=settings)

    def __enter__(self) -> "CalibrationProgress":
        if self.bar is not None:
            self.bar.start()
        return self

    def __exit__(self, *error: object) -> None:
        if self.bar is not None:
            self.bar.stop()

    def begins(self, setting: str) -> None:
        """Notes that the next setting is being sampled."""
        self.begun += 1
        text = f"{self.name}: calibrating, {self.begun} of at most {self.settings}: {setting}"
        if self.bar is None:
            print(text, file=sys.stderr, flush=True)
        else:
            self.bar.update(self.line, description=text, completed=self.begun - 1)
