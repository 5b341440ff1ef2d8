"""How a task's tokens are drawn for a reader: on a grid, or as running text."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class GridLayout:
    """Positions row by row on a grid of `rows` × `columns`, ruled into boxes of `box_rows` × `box_columns`.

    `symbols[token]` is what a token id is shown as. A box as large as the grid draws no rules.

    Raises:
        ValueError: a size below 1.
    """

    rows: int
    columns: int
    box_rows: int
    box_columns: int
    symbols: tuple[str, ...]

    def __post_init__(self) -> None:
        sizes = (self.rows, self.columns, self.box_rows, self.box_columns)
        if min(sizes) < 1:
            raise ValueError(f"a grid has at least one row and one column, and so have its boxes; got {sizes}")

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return self.rows, self.columns

    @property
    def boxes(self) -> tuple[int, int]:
        """Rows and columns of a box."""
        return self.box_rows, self.box_columns

    def to_json(self) -> dict[str, Any]:
        """The layout as plain values."""
        size = {"rows": self.rows, "columns": self.columns}
        boxes = {"box_rows": self.box_rows, "box_columns": self.box_columns}
        return {"kind": "grid", **size, **boxes, "symbols": list(self.symbols)}


@dataclass(frozen=True)
class TextLayout:
    """Positions in reading order; `symbols[token]` is the piece of text that a token id stands for."""

    symbols: tuple[str, ...] = ()

    @property
    def shape(self) -> None:
        """No grid."""
        return

    @property
    def boxes(self) -> None:
        """No boxes."""
        return

    def to_json(self) -> dict[str, Any]:
        """The layout as plain values."""
        return {"kind": "text", "symbols": list(self.symbols)}


Layout = GridLayout | TextLayout


def layout_from_json(written: Mapping[str, Any]) -> Layout:
    """The inverse of `to_json`.

    Raises:
        ValueError: values that describe no layout.
    """
    try:
        symbols = tuple(str(symbol) for symbol in written["symbols"])
        if written["kind"] == "text":
            return TextLayout(symbols)
        if written["kind"] == "grid":
            rows, columns, box_rows, box_columns = (
                int(written[name]) for name in ("rows", "columns", "box_rows", "box_columns")
            )
            return GridLayout(rows, columns, box_rows, box_columns, symbols)
    except (KeyError, TypeError) as error:
        raise ValueError(f"this is no layout: {error!r}") from error
    raise ValueError(f"there is no layout of kind {written['kind']!r}; the kinds are 'grid' and 'text'")
