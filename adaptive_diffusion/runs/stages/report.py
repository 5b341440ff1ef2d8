"""A stage that turns traces into figures and one page."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from adaptive_diffusion.analysis.layout import GridLayout, Layout, TextLayout
from adaptive_diffusion.analysis.metrics import SamplerEntry
from adaptive_diffusion.analysis.report import build_report
from adaptive_diffusion.config import instantiate
from adaptive_diffusion.runs.counterfactual_rollouts import read_counterfactual_rollouts
from adaptive_diffusion.runs.stage import Stage, StageContext
from adaptive_diffusion.tasks.text.tokenizer import Tokenizer


@dataclass(frozen=True)
class Report(Stage):
    """Writes `figures/` and `report.html`, and says where it lies.

    Attributes:
        title: of the page.
        size: side of the Sudoku board.
        tokenizer: node of the tokenizer of a text, which is laid out as running text instead.
    """

    title: str
    size: int = 9
    tokenizer: dict[str, Any] | None = None
    trains: ClassVar[bool] = False

    def _layout(self, context: StageContext) -> Layout:
        """How tokens are laid out."""
        if self.tokenizer is None:
            return GridLayout.sudoku(self.size)
        tokenizer: Tokenizer = instantiate(self.tokenizer, context.allow)
        return TextLayout(tokenizer.symbols())

    def __call__(self, context: StageContext) -> None:
        folder = context.folder
        rows = (folder.read_json("summary.json") or {}).get("samplers")
        if not rows:
            print("no report: no stage before has compared samplers")
            return
        entries = [
            SamplerEntry(name, row, Path("traces") / name, read_counterfactual_rollouts(folder.path, name))
            for row in rows
            if (name := row["sampler"])
        ]
        with folder.atomic_write("figures") as figures, folder.atomic_write("report.html") as page:
            build_report(
                folder.path,
                title=self.title,
                samplers=entries,
                layout=self._layout(context),
                out=page,
                figures=figures,
            )
        print(f"report: {folder.file('report.html').resolve()}")
