"""Sudoku as a task: token d − 1 is digit d, and the mask id is the board's size."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import Tensor

from adaptive_diffusion.core.layout import GridLayout
from adaptive_diffusion.core.query import Queries
from adaptive_diffusion.tasks.editing import SymbolEditor
from adaptive_diffusion.tasks.lines import SKIP_BAD
from adaptive_diffusion.tasks.sudoku.difficulty import STRATA
from adaptive_diffusion.tasks.sudoku.geometry import Geometry, geometry
from adaptive_diffusion.tasks.sudoku.puzzles import Puzzles
from adaptive_diffusion.tasks.sudoku.readers import read_puzzles
from adaptive_diffusion.tasks.sudoku.verifier import verify
from adaptive_diffusion.tasks.task import Correctness, Difficulty, QueryFile, Task


def to_queries(puzzles: Puzzles) -> Queries:
    """Queries of N puzzles, numbered from 0: clues are given, the mask id stands at the cells to fill."""
    digits = torch.from_numpy(puzzles.puzzles).long()
    editable = digits == 0
    return Queries.of(torch.where(editable, puzzles.board.size, digits - 1), editable)


@dataclass(frozen=True)
class SudokuTask(Task):
    """Sudoku on a board of ``size`` 4, 6 or 9; the problems are ``Puzzles``.

    An answer is correct when it is valid: a puzzle of a file may have several solutions.
    """

    size: int
    noun = "puzzle"
    difficulties = (
        Difficulty("guesses", "guesses of the solver", STRATA),
        Difficulty("clues", "clues given"),
        Difficulty("rating", "rating by the file", decimals=1),
    )

    def __post_init__(self) -> None:
        geometry(self.size)

    @property
    def board(self) -> Geometry:
        """The board of this size."""
        return geometry(self.size)

    @property
    def name(self) -> str:
        return f"sudoku_{self.size}x{self.size}"

    @property
    def length(self) -> int:
        return self.board.length

    @property
    def vocabulary(self) -> int:
        return self.size

    @property
    def positions(self) -> Tensor:
        """Row, column and box of every cell, int64 [L, 3]."""
        return torch.from_numpy(self.board.coordinates)

    @property
    def layout(self) -> GridLayout:
        """The board with its boxes; token d − 1 is shown as the digit d."""
        digits = tuple(str(digit) for digit in range(1, self.size + 1))
        return GridLayout(self.size, self.size, self.board.rows_per_box, self.board.cols_per_box, digits)

    @property
    def editor(self) -> SymbolEditor:
        """The cells of a grid that is written as digits, with ``0`` or ``.`` for a blank."""
        return SymbolEditor(self.layout.symbols, self.length, ".0", self.violation)

    def violation(self, answer: Sequence[int]) -> str | None:
        names = [f"{kind} {number}" for kind in ("row", "column", "box") for number in range(1, self.size + 1)]
        for name, unit in zip(names, self.board.units.tolist(), strict=True):
            counts = Counter(answer[cell] for cell in unit)
            for token, symbol in enumerate(self.layout.symbols):
                if counts[token] > 1:
                    return f"{name} has the digit {symbol} more than once"
        return None

    def queries(self, problems: Puzzles) -> Queries:
        return to_queries(problems)

    def read(self, path: Path, skip_bad: bool, option: str = SKIP_BAD) -> QueryFile:
        """The puzzles of a file; the notes count those that have several solutions or are undecided. `option` is what
        the user sets to leave out bad lines."""
        file = read_puzzles(path, self.size, skip_bad, option)
        problems = Puzzles.rated(self.board, file.puzzles, file.solutions, file.unique, file.ratings)
        return QueryFile(problems, tuple(map(str, file.skipped)), file.notes)

    def verify(self, answers: Tensor, problems: Puzzles) -> Correctness:
        puzzles, solutions = (torch.from_numpy(grids).to(answers) for grids in (problems.puzzles, problems.solutions))
        unique = torch.from_numpy(problems.unique).to(answers.device)
        return replace(verify(answers + 1, puzzles, solutions), has_reference=unique)

    def targets(self, problems: Puzzles) -> Tensor | None:
        """The solutions; None where one of the puzzles has none that is known."""
        solutions = torch.from_numpy(problems.solutions).long()
        return solutions - 1 if (solutions > 0).all() else None

    def difficulty(self, problems: Puzzles) -> dict[str, Tensor]:
        columns = {"guesses": problems.guesses, "clues": problems.clues, "rating": problems.ratings}
        return {name: torch.from_numpy(column) for name, column in columns.items()}

    def decode(self, tokens: Tensor) -> str:
        """The grid with its boxes drawn, ``.`` where a token is no digit."""
        digits = [str(token + 1) if 0 <= token < self.size else "." for token in tokens.tolist()]
        board, lines = self.board, []
        for row in range(self.size):
            cells = digits[row * self.size : (row + 1) * self.size]
            boxes = [
                " ".join(cells[left : left + board.cols_per_box]) for left in range(0, self.size, board.cols_per_box)
            ]
            if row and row % board.rows_per_box == 0:
                lines.append("-+-".join("-" * len(box) for box in boxes))
            lines.append(" | ".join(boxes))
        return "\n".join(lines)
