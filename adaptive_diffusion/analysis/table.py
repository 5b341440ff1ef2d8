"""A table of figures: one set of values, shown in a terminal and on a page, and written as CSV or JSON."""

import csv
import io
import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from rich.console import Console, Group
from rich.table import Table as RichTable
from rich.text import Text

from adaptive_diffusion.evaluation.intervals import Interval

NONE = "–"
PIPED = 80
"""Characters of a line where the output is no terminal."""

_MARGIN = 3

Cell = Interval | float | str | None


@dataclass(frozen=True)
class Column:
    """How a column is headed and its numbers are shown; `scale` is 100 for shares in percent or points."""

    title: str
    decimals: int = 2
    scale: float = 1

    def text(self, cell: Cell) -> str:
        if isinstance(cell, Interval):
            return interval(cell, self.decimals, self.scale)
        if cell is None or isinstance(cell, str):
            return cell or NONE
        return number(self.scale * cell, self.decimals)

    @property
    def key(self) -> str:
        """The title as a name for records: `exact %` is `exact`, whose values are shares."""
        return re.sub(r"\W+", "_", self.title.replace("→", "to").replace("–", "to").replace("+", "_up")).strip("_")


@dataclass(frozen=True)
class Table:
    """Rows of cells; the first column names what the row is about. A note says how to read it."""

    title: str
    columns: Sequence[Column]
    cells: Sequence[Sequence[Cell]]
    note: str = ""

    @property
    def header(self) -> list[str]:
        """The titles of the columns."""
        return [column.title for column in self.columns]

    @property
    def rows(self) -> list[list[str]]:
        """The cells as texts."""
        return [[column.text(cell) for column, cell in zip(self.columns, row, strict=True)] for row in self.cells]

    @property
    def slug(self) -> str:
        """The title as the name of a file."""
        return re.sub(r"\W+", "_", self.title.lower()).strip("_")

    def parts(self, width: int) -> "list[Table]":
        """The table in parts that fit into so many characters side by side; each repeats the first column."""
        first, *others = self._widths(width - 1)
        groups: list[list[int]] = []
        room = 0
        for number, size in enumerate(others, start=1):
            if not groups or size > room:
                groups.append([])
                room = width - 1 - first
            groups[-1].append(number)
            room -= size
        return [self._with([0, *numbers], last=numbers is groups[-1]) for numbers in groups] or [self]

    def _with(self, numbers: list[int], last: bool) -> "Table":
        columns = [self.columns[number] for number in numbers]
        cells = [[row[number] for number in numbers] for row in self.cells]
        return Table(self.title, columns, cells, self.note if last else "")

    def _widths(self, width: int) -> list[int]:
        """Characters of each column with its margins. Titles may break between words, cells only where one alone is
        wider than the room beside the first column."""
        words = [max(map(len, name.split()), default=1) for name in self.header]
        texts = [[row[number] for row in self.rows] for number in range(len(self.columns))]
        sizes = [max([word, *map(len, column)]) + _MARGIN for word, column in zip(words, texts, strict=True)]
        first = min(sizes[0], width // 2)
        return [first, *(min(size, width - first) for size in sizes[1:])]

    def _shown_widths(self, width: int) -> list[int]:
        """The same, with titles on one line where there is room for all of them."""
        sizes = self._widths(width)
        full = [max(size, len(name) + _MARGIN) for size, name in zip(sizes, self.header, strict=True)]
        return full if sum(full) <= width else sizes

    def rich(self, width: int = 160) -> Group:
        """The table for a terminal of so many characters: names to the left, figures to the right, wide tables in
        parts below each other, so that nothing is cut off."""
        shown = []
        for number, part in enumerate(self.parts(width)):
            table = RichTable(title=None if number else self.title, title_justify="left", caption_justify="left")
            table.caption = part.note or None
            for column, (name, size) in enumerate(zip(part.header, part._shown_widths(width - 1), strict=True)):
                side = "right" if column else "left"
                table.add_column(Text(name), justify=side, overflow="fold", width=size - _MARGIN)
            for row in part.rows:
                table.add_row(*map(Text, row))
            shown.append(table)
        return Group(*shown)

    def records(self) -> list[dict[str, Any]]:
        """The cells as plain values in their own units: an interval is three, `x`, `x_low`, `x_high`; NaN is None."""
        return [
            {
                name: value
                for column, cell in zip(self.columns, row, strict=True)
                for name, value in _plain(column.key, cell)
            }
            for row in self.cells
        ]

    def csv(self) -> str:
        """The records as CSV."""
        records = self.records()
        names = list(dict.fromkeys(name for record in records for name in record))
        text = io.StringIO()
        writer = csv.DictWriter(text, names, lineterminator="\n")
        writer.writeheader()
        writer.writerows(records)
        return text.getvalue()


def number(value: float | None, decimals: int) -> str:
    """The number with so many decimals and commas between thousands, or a dash where there is none."""
    return NONE if value is None or np.isnan(value) else _minus(f"{value:,.{decimals}f}")


def interval(value: Interval | None, decimals: int = 2, scale: float = 1) -> str:
    """`1.23 [1.10, 1.36]`, or a dash where it is not defined."""
    if value is None or np.isnan(value.value):
        return NONE
    if np.isnan(value.low):
        return number(scale * value.value, decimals)
    middle, low, high = (f"{scale * part:.{decimals}f}" for part in value)
    return _minus(f"{middle} [{low}, {high}]")


def _minus(text: str) -> str:
    """Hyphens become minus signs, which are as wide as digits."""
    return text.replace("-", "−")


def _plain(key: str, cell: Cell) -> list[tuple[str, Any]]:
    if isinstance(cell, Interval):
        ends = zip((key, f"{key}_low", f"{key}_high"), cell, strict=True)
        return [(name, None if np.isnan(value) else float(value)) for name, value in ends]
    return [(key, None if isinstance(cell, float) and np.isnan(cell) else cell)]


def print_tables(tables: Sequence[Table]) -> None:
    """Prints tables to standard output, at the width of the terminal."""
    console = Console(width=None if sys.stdout.isatty() else PIPED)
    for table in tables:
        console.print(table.rich(console.width))
        console.print()
