"""A stage that turns traces into figures and one page."""

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from adaptive_diffusion.analysis.layout import GridLayout, Layout, TextLayout
from adaptive_diffusion.analysis.metrics import SamplerEntry
from adaptive_diffusion.analysis.report import build_report
from adaptive_diffusion.runs.counterfactual_rollouts import read_counterfactual_rollouts
from adaptive_diffusion.storage.folder import RunFolder
from adaptive_diffusion.tasks.text.tokenizer import Tokenizer


@dataclass(frozen=True)
class Report:
    """Writes `figures/` and `report.html`, and says where it lies.

    Attributes:
        title: of the page.
        size: side of the Sudoku board.
        tokenizer: of a text, which is laid out as running text instead.
    """

    title: str
    size: int = 9
    tokenizer: Tokenizer | None = None
    trains: ClassVar[bool] = False

    @property
    def layout(self) -> Layout:
        """How tokens are laid out."""
        return GridLayout.sudoku(self.size) if self.tokenizer is None else TextLayout(self.tokenizer.symbols())

    def __call__(self, folder: RunFolder, resume: Path) -> None:
        rows = folder.read_json("summary.json")["samplers"]
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
                layout=self.layout,
                out=page,
                figures=figures,
            )
        print(f"report: {folder.file('report.html').resolve()}")
