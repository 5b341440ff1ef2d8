"""A stage that turns traces into figures and one page."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import torch

from adaptive_diffusion.analysis.metrics import SamplerEntry
from adaptive_diffusion.analysis.player_pictures import Picture, no_picture
from adaptive_diffusion.analysis.report import build_report
from adaptive_diffusion.analysis.tables import likelihood_table
from adaptive_diffusion.config import instantiate
from adaptive_diffusion.runs.counterfactual_rollouts import read_counterfactual_rollouts
from adaptive_diffusion.runs.stage import Stage, StageContext


@dataclass(frozen=True)
class Report(Stage):
    """Writes `figures/` and `report.html`, and prints where it lies. Without traces of samplers it is left out.

    Attributes:
        title: of the page.
        data: node of the task data, whose task may draw sequences (`Task.picture`).
    """

    title: str
    data: dict[str, Any] | None = None
    trains: ClassVar[bool] = False

    def __call__(self, context: StageContext) -> None:
        folder = context.folder
        rows = folder.read_json("summary.json", {}).get("samplers")
        if not rows:
            print("no report: the run has no stage that compares samplers, or it was left out")
            return
        entries = [
            SamplerEntry(name, row, Path("traces") / name, read_counterfactual_rollouts(folder.path, name))
            for row in rows
            if (name := row["sampler"])
        ]
        likelihood = likelihood_table(folder.read_json("bits_per_byte.json", {}))
        with folder.atomic_write("figures") as figures, folder.atomic_write("report.html") as page:
            build_report(
                folder.path,
                title=self.title,
                samplers=entries,
                out=page,
                figures=figures,
                further=[likelihood] if likelihood else [],
                picture=self._picture(context),
            )
        print(f"report: {folder.file('report.html').resolve()}")

    def _picture(self, context: StageContext) -> Picture:
        """How the task draws tokens."""
        if self.data is None:
            return no_picture
        task = instantiate(self.data, context.allow).task
        return lambda tokens: task.picture(torch.from_numpy(tokens))
