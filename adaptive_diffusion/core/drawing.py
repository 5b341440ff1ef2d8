"""Sequences as plain text: a grid with its boxes, or running text."""

from collections.abc import Mapping, Sequence

from adaptive_diffusion.core.events import OPEN
from adaptive_diffusion.core.layout import GridLayout, Layout, TextLayout

OPEN_SIGN = "·"


def symbol(token: int, layout: Layout) -> str:
    """What a token is shown as: its symbol, else its number."""
    if token == OPEN:
        return OPEN_SIGN
    return layout.symbols[token] if 0 <= token < len(layout.symbols) else str(token)


def place(position: int, layout: Layout) -> str:
    """A position in words."""
    match layout:
        case GridLayout(columns=columns):
            row, column = divmod(position, columns)
            return f"row {row + 1}, column {column + 1}"
        case TextLayout():
            return f"position {position}"


def draw(tokens: Sequence[int], layout: Layout, marks: Mapping[int, str] | None = None) -> list[str]:
    """The lines of a drawn sequence.

    Args:
        tokens: L token ids, `OPEN` where nothing stands.
        layout: how they are arranged. A grid of another size than L is drawn as text.
        marks: position → a sign of one letter that a grid shows behind the symbol; running text shows no marks.
    """
    match layout:
        case GridLayout() if layout.rows * layout.columns == len(tokens):
            return _grid(tokens, layout, marks or {})
    between = "" if layout.symbols else " "
    return between.join(symbol(token, layout) for token in tokens).split("\n")


def _grid(tokens: Sequence[int], layout: GridLayout, marks: Mapping[int, str]) -> list[str]:
    shown = [symbol(token, layout) for token in tokens]
    wide = max(map(len, shown))
    cells = [f"{text:>{wide}}{marks.get(position, ' ')}" for position, text in enumerate(shown)]
    lines = []
    for row in range(layout.rows):
        boxes = [
            " ".join(cells[row * layout.columns + first : row * layout.columns + last])
            for first, last in _ranges(layout.columns, layout.box_columns)
        ]
        if row and row % layout.box_rows == 0:
            lines.append("-+-".join("-" * len(box) for box in boxes))
        lines.append(" | ".join(boxes).rstrip())
    return lines


def _ranges(size: int, step: int) -> list[tuple[int, int]]:
    return [(first, min(first + step, size)) for first in range(0, size, step)]
