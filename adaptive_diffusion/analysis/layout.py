"""How a task is laid out for a reader: its tokens on a grid or as running text, its difficulty in groups."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True)
class GridLayout:
    """Positions row by row on a grid of `rows` × `columns`, ruled into boxes of `box_rows` × `box_columns`.

    `symbols[token]` is what a token id is shown as.
    """

    rows: int
    columns: int
    box_rows: int
    box_columns: int
    symbols: Mapping[int, str] | tuple[str, ...]
    difficulty: ClassVar[str] = "difficulty (solver's guesses)"
    difficulty_edges: ClassVar[tuple[float, ...] | None] = (0, 1, 3, 7)

    @classmethod
    def sudoku(cls, side: int) -> "GridLayout":
        """The board of side 4 (boxes 2 × 2), 6 (2 × 3) or 9 (3 × 3), token d − 1 shown as the digit d."""
        boxes = {4: (2, 2), 6: (2, 3), 9: (3, 3)}
        if side not in boxes:
            raise ValueError(f"a Sudoku board has side 4, 6 or 9, not {side}")
        return cls(side, side, *boxes[side], tuple(str(digit) for digit in range(1, side + 1)))


@dataclass(frozen=True)
class TextLayout:
    """Positions in reading order; `symbols[token]` is the piece of text a token id stands for. What makes a text hard
    is measured in many ways, so it is grouped by quarters of the queries."""

    symbols: Mapping[int, str] | tuple[str, ...]
    difficulty: ClassVar[str] = "difficulty, quarters of the queries"
    difficulty_edges: ClassVar[tuple[float, ...] | None] = None


Layout = GridLayout | TextLayout


def layout_of(task: str | None) -> Layout:
    """The layout of the task of that name, `sudoku_6x6`; any other is laid out as text whose symbols are not known."""
    board = re.fullmatch(r"sudoku_(\d)x\1", task or "")
    return GridLayout.sudoku(int(board[1])) if board else TextLayout({})
