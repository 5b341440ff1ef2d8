"""Variations of a text beside each other in the terminal: what stood there, and what each variation has instead."""

from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from math import ceil
from typing import Any

from adaptive_diffusion.cli.terminal import visible

NARROWEST = 16
"""Characters of a line that the column of a variation has room for before a second table begins."""
FRAME = 3
"""Characters between two columns."""


@dataclass(frozen=True)
class Place:
    """Lines of a text that some variation changes.

    Attributes:
        first: number of the first line, from 1.
        before: the lines that stood there; empty where lines are only added.
        after: for each variation, its lines at this place, each with whether the variation changed it.
    """

    first: int
    before: tuple[str, ...]
    after: tuple[tuple[tuple[str, bool], ...], ...]


def places(before: str, after: Sequence[str]) -> list[Place]:
    """The places at which the variations `after` differ from `before`, in the order of the lines. Changes of different
    variations that overlap or touch are one place, so that the same lines stand beside each other."""
    old, new = before.splitlines(), [text.splitlines() for text in after]
    changes = [
        [code[1:] for code in SequenceMatcher(None, old, lines, autojunk=False).get_opcodes() if code[0] != "equal"]
        for lines in new
    ]
    spans: list[tuple[int, int]] = []
    for start, stop in sorted(change[:2] for found in changes for change in found):
        if spans and start <= spans[-1][1]:
            spans[-1] = spans[-1][0], max(stop, spans[-1][1])
        else:
            spans.append((start, stop))
    return [
        Place(
            start + 1,
            tuple(old[start:stop]),
            tuple(_lines(lines, found, start, stop) for lines, found in zip(new, changes, strict=True)),
        )
        for start, stop in spans
    ]


def _lines(
    lines: Sequence[str], changes: Sequence[tuple[int, int, int, int]], start: int, stop: int
) -> tuple[tuple[str, bool], ...]:
    """What a variation has in the place of the lines `start` to `stop`, each line with whether it was changed."""

    def place_of(line: int, changes_at_it: bool) -> int:
        passed = [change for change in changes if change[0] < line + changes_at_it]
        return line + sum((new_stop - new) - (old_stop - old) for old, old_stop, new, new_stop in passed)

    return tuple(
        (lines[at], any(first <= at < last for _, _, first, last in changes))
        for at in range(place_of(start, False), place_of(stop, True))
    )


def print_side_by_side(
    before: str, after: Sequence[str], titles: Sequence[str], notes: Sequence[Sequence[tuple[str, str]]]
) -> None:
    """Prints tables of what stood there and of the variations, as many in a table as the terminal has room for when
    their long lines are folded.

    Args:
        before: the text.
        after: its variations.
        titles: of each variation.
        notes: for each variation, how probable each span is, with a colour.
    """
    from rich.console import Console

    console = Console(highlight=False)
    room = console.width - 1  # the last frame
    tables = ceil(len(after) / max(1, room // (NARROWEST + FRAME) - 1))
    together = ceil(len(after) / tables)
    column, found = max(1, room // (together + 1) - FRAME), places(before, after)
    for first in range(0, len(after), together):
        numbers = range(first, min(first + together, len(after)))
        console.print(_table(console, column, found, titles, notes, numbers))


def _table(
    console: Any,
    column: int,
    found: Sequence[Place],
    titles: Sequence[str],
    notes: Sequence[Sequence[tuple[str, str]]],
    numbers: range,
) -> Any:
    from rich.table import Table
    from rich.text import Text

    def line(mark: str, text: str, colour: str) -> Any:
        """A line with its mark; what does not fit goes on below, behind a blank in the place of the mark."""
        folded = Text(visible(text)).wrap(console, max(1, column - 1), overflow="fold") if text else [Text()]
        return Text(mark, colour).append_text(Text("\n ").join(folded))

    table = Table(show_lines=True)
    for title in ("before", *(titles[number] for number in numbers)):
        table.add_column(Text(title), overflow="fold", max_width=column)
    for place in found:
        old = [Text(f"line {place.first}", "cyan"), *(line("-", text, "red") for text in place.before)]
        cells = []
        for number in numbers:
            new = [
                line("+", text, "green") if changed else line(" ", text, "") for text, changed in place.after[number]
            ]
            cells.append(Text("\n").join([Text(), *(new or [Text("nothing", "dim")])]))
        table.add_row(Text("\n").join(old), *cells)
    sure = [Text("\n").join(Text(visible(note), colour) for note, colour in notes[number]) for number in numbers]
    table.add_row(Text("probability of a token"), *sure)
    return table
