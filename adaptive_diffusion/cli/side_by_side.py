"""Variations of a text beside each other in the terminal: what stood there, and what each variation has instead."""

from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Any

from adaptive_diffusion.cli.terminal import visible

NARROWEST, WIDEST = 16, 40
"""Columns of the terminal that the column of a variation gets, at least and at most, before a second table begins."""
FRAME = 3
"""Columns of the terminal between two variations."""


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
    """Prints tables of what stood there and of the variations, as many in a table as the terminal has room for.

    Args:
        before: the text.
        after: its variations.
        titles: of each variation.
        notes: for each variation, how probable each span is, with a colour.
    """
    from rich.console import Console

    console, found = Console(highlight=False), places(before, after)
    texts = [line for place in found for lines in (place.before, *(map(_first, place.after))) for line in lines]
    longest = max((len(line) + 1 for line in texts), default=0)
    column = FRAME + max(NARROWEST, min(WIDEST, longest))
    together = max(1, console.width // column - 1)
    for first in range(0, len(after), together):
        console.print(_table(found, titles, notes, range(first, min(first + together, len(after)))))


def _first(lines: Sequence[tuple[str, bool]]) -> list[str]:
    return [line for line, _ in lines]


def _table(
    found: Sequence[Place], titles: Sequence[str], notes: Sequence[Sequence[tuple[str, str]]], numbers: range
) -> Any:
    from rich.table import Table
    from rich.text import Text

    table = Table(show_lines=True)
    for title in ("before", *(titles[number] for number in numbers)):
        table.add_column(Text(title), overflow="fold")
    for place in found:
        old = Text().append(f"line {place.first}", "cyan")
        for line in place.before:
            old.append(f"\n-{visible(line)}", "red")
        cells = []
        for number in numbers:
            cell = Text()
            for line, changed in place.after[number]:
                cell.append(f"\n{'+' if changed else ' '}{visible(line)}", "green" if changed else "")
            cells.append(cell if place.after[number] else Text("\nnothing", "dim"))
        table.add_row(old, *cells)
    sure = [Text("\n").join(Text(visible(note), colour) for note, colour in notes[number]) for number in numbers]
    table.add_row(Text("probability of a token"), *sure)
    return table
