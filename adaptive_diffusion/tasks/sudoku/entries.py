"""The puzzles of a file one after the other: each on a line of its own, or with a line for every row."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from adaptive_diffusion.tasks.lines import BadLines, numbered_lines
from adaptive_diffusion.tasks.sudoku.notation import Columns, Entry, grid_row, header, parse

TITLES = {"grid", "puzzle", "sudoku", "board"}


def entries_of(path: Path, bad: BadLines) -> Iterator[Entry]:
    """Every puzzle of a file; what cannot be read is added to ``bad``.

    Comments (from ``#`` on) and rules between boxes are passed over. A blank line, a title such as ``Grid 01`` or a
    section such as ``[Puzzle]`` ends a grid; sections other than ``[Puzzle]`` are passed over.

    Raises ``ValueError`` as ``numbered_lines`` and ``BadLines.add`` do.
    """
    parser = EntryParser(bad)
    for number, line in numbered_lines(path, bad):
        entry = parser.feed(number, line)
        if entry is not None:
            yield entry
    parser.end_grid()


@dataclass
class Block:
    """A grid of ``size`` rows, one on each line from ``line`` on, as far as it has been read.

    Attributes:
        spoiled: a row was bad and was reported, so that the grid cannot be used.
    """

    line: int
    size: int
    rows: list[bytes] = field(default_factory=list)
    spoiled: bool = False


class EntryParser:
    """Reads a file line by line: ``feed`` returns the puzzle that a line completes, or None."""

    def __init__(self, bad: BadLines) -> None:
        self.bad = bad
        self.first = True
        self.passing_over = False
        self.columns: Columns | None = None
        self.block: Block | None = None

    def feed(self, number: int, line: str) -> Entry | None:
        """The next line of the file."""
        text = line.partition("#")[0].strip()
        if is_section(text):
            self.end_grid()
            self.passing_over = text.lower() != "[puzzle]"
        elif not line.strip() or is_title(text):
            self.end_grid()
        elif text and not self.passing_over and not is_rule(text):
            try:
                return self.read(number, text)
            except ValueError as error:
                self.bad.add(number, str(error))
        return None

    def end_grid(self) -> None:
        """End a grid of which rows were read; an unfinished one is a bad line."""
        block, self.block = self.block, None
        if block is not None and not block.spoiled:
            self.bad.add(
                block.line,
                f"the grid that begins here has {len(block.rows)} of {block.size} rows; complete it",
            )

    def read(self, number: int, text: str) -> Entry | None:
        """A line with content; raises ``ValueError`` with the reason where it cannot be read."""
        if self.first:
            self.first = False
            self.columns = header(text)
            if self.columns is not None:
                return None
        row = grid_row(text) if self.columns is None or self.columns.delimiter not in text else None
        block = self.block
        if row is not None and (block is None or len(row) == block.size):
            return self.add(block or Block(number, len(row)), row)
        try:
            entry = parse(number, text, self.columns)
        except ValueError:
            if block is None:
                raise
            block.spoiled = True
            self.add(block, b"")
            raise ValueError(
                f"not a row of {block.size} cells, as the grid that begins in line {block.line} needs; mend the row"
            ) from None
        self.end_grid()
        return entry

    def add(self, block: Block, row: bytes) -> Entry | None:
        """Add a row to a grid; the puzzle, where that completes it."""
        block.rows.append(row)
        self.block = block if len(block.rows) < block.size else None
        return None if self.block or block.spoiled else Entry(block.line, b"".join(block.rows))


def is_section(text: str) -> bool:
    """Whether a line names a section of an SDK file: ``[Puzzle]``, ``[State]``."""
    return text.startswith("[") and text.endswith("]") and text[1:-1].isalpha()


def is_title(text: str) -> bool:
    """Whether a line is the title of a grid: ``Grid 01``."""
    word, _, number = text.partition(" ")
    return word.lower() in TITLES and number.strip().isdecimal()


def is_rule(text: str) -> bool:
    """Whether a line is drawn between boxes: ``---+---+---``."""
    return not set(text) - set("-=_+|*:.' ") and sum(map(text.count, "-=_")) >= 3
