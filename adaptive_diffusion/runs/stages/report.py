"""A stage that turns traces into figures and one page."""

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from adaptive_diffusion.analysis.metrics import SamplerEntry
from adaptive_diffusion.analysis.report import build_report
from adaptive_diffusion.analysis.tables import likelihood_table
from adaptive_diffusion.runs.counterfactual_rollouts import read_counterfactual_rollouts
from adaptive_diffusion.runs.stage import Stage, StageContext


@dataclass(frozen=True)
class Report(Stage):
    """Writes `figures/` and `report.html`, and prints where it lies. Without traces of samplers it is left out.

    Attributes:
        title: of the page.
    """

    title: str
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
            )
        print(f"report: {folder.file('report.html').resolve()}")
