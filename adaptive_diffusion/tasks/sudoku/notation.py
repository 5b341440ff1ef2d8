"""How one line of text writes a puzzle: cells in a row, fields of a table, or one row of a grid."""

import math
from dataclasses import dataclass

from adaptive_diffusion.tasks.sudoku.geometry import BOARDS
from adaptive_diffusion.tasks.tables import fields_of, rating_of

LENGTHS = {board.length: board for board in BOARDS.values()}
PUZZLE_COLUMNS = {"puzzle", "puzzles", "quiz", "quizzes", "question", "sudoku"}
SOLUTION_COLUMNS = {"solution", "solutions", "answer", "answers"}
RATING_COLUMNS = {"rating", "difficulty"}
DELIMITERS = "\t;,"

ONLY_THESE = f"boards are {', '.join(f'{size}×{size}' for size in BOARDS)}, so leave others out, or complete the line"

_MARKUP = {"{": "JSON", "[": "JSON", "<": "XML or HTML"}
_BLANK_AS_ZERO = bytes.maketrans(b".", b"0")
_VALUES = bytes.maketrans(b"0123456789", bytes(range(10)))


@dataclass(frozen=True)
class Columns:
    """Where a table keeps puzzle, solution and rating, and what separates its fields."""

    delimiter: str
    puzzle: int
    solution: int | None
    rating: int | None


@dataclass(frozen=True)
class Entry:
    """A puzzle as the file writes it.

    Attributes:
        line: where it begins, from 1.
        puzzle: a digit for each cell, 0 where blank.
        solution: a digit for each cell; None where the file has none.
        rating: the file's own difficulty; None where the file has none, NaN where it is no number.
    """

    line: int
    puzzle: bytes
    solution: bytes | None = None
    rating: float | None = None


def header(text: str) -> Columns | None:
    """The columns that the header of a table names, or None where the line is no header."""
    delimiter = delimiter_of(text) or ","
    names = [field.strip().lower() for field in fields_of(text, delimiter)]

    def place(known: set[str]) -> int | None:
        return next((place for place, name in enumerate(names) if name in known), None)

    puzzle = place(PUZZLE_COLUMNS)
    if puzzle is None:
        return None
    return Columns(delimiter, puzzle, place(SOLUTION_COLUMNS), place(RATING_COLUMNS))


def parse(line: int, text: str, columns: Columns | None) -> Entry:
    """The puzzle of a line; a ``header`` may say in which ``columns`` it stands.

    Without a header these are understood: the cells of a puzzle, with or without spaces; its cells, or its and its
    solution's, as fields of their own; ``puzzle:n:solution``; ``hash puzzle rating``; and fields of which one is a
    puzzle and a later one may be its solution. Raises ``ValueError`` with the reason and the remedy otherwise.
    """
    if text[0] in _MARKUP:
        raise ValueError(f"{_MARKUP[text[0]]} is not read; convert it to CSV with the columns puzzle,solution")
    if columns is not None:
        return from_table(line, fields_of(text, columns.delimiter), columns)
    delimiter = delimiter_of(text)
    if delimiter is not None:
        fields = fields_of(text, delimiter)
        cells = single_cells(fields)
        return from_fields(line, fields) if cells is None else from_cells(line, cells)
    if ":" in text:
        puzzle, *tail = text.split(":")
        return Entry(line, digits_of(puzzle), solution_of(tail[1] if len(tail) > 1 else ""))
    words = text.replace("|", " ").split()
    if any(map(is_grid, words)):
        return from_words(line, words)
    if any(len(word) == 2 and word.isdecimal() for word in words):
        raise ValueError(f"{len(words)} numbers of up to two digits; {ONLY_THESE}")
    if "|" in text:
        raise ValueError(f"{len(''.join(words))} cells between bars, where a row has 4, 6 or 9; {ONLY_THESE}")
    return Entry(line, digits_of("".join(words)))


def from_table(line: int, fields: list[str], columns: Columns) -> Entry:
    cells = single_cells(fields)
    if cells is not None and len(cells) > columns.puzzle + 1:
        return from_cells(line, cells)
    if columns.puzzle >= len(fields):
        raise ValueError(
            f"no column {columns.puzzle + 1}, where the header has the puzzle; complete the line, or mend the header"
        )
    solution = fields[columns.solution : columns.solution + 1] if columns.solution is not None else []
    rating = fields[columns.rating : columns.rating + 1] if columns.rating is not None else []
    return Entry(line, digits_of(fields[columns.puzzle]), solution_of("".join(solution)), rating_of("".join(rating)))


def from_fields(line: int, fields: list[str]) -> Entry:
    """Fields without a header: the first that is a grid is the puzzle, and the next its solution."""
    puzzle, *others = [field for field in fields if resembles_grid(field)] or fields[:1]
    return Entry(line, digits_of(puzzle), solution_of(others[0] if others else ""))


def from_words(line: int, words: list[str]) -> Entry:
    """``puzzle``, ``puzzle solution``, or ``hash puzzle rating``, as sudoku-exchange writes it."""
    if len(words) == 3 and is_grid(words[1]) and not is_grid(words[0]) and not resembles_grid(words[2]):
        return Entry(line, digits_of(words[1]), None, rating_of(words[2]))
    return from_fields(line, words)


def from_cells(line: int, cells: str) -> Entry:
    """L cells of a puzzle, or 2L of a puzzle and its solution."""
    half = len(cells) // 2
    if len(cells) not in LENGTHS and len(cells) == 2 * half and half in LENGTHS:
        return Entry(line, digits_of(cells[:half]), solution_of(cells[half:]))
    return Entry(line, digits_of(cells))


def grid_row(text: str) -> bytes | None:
    """The digits of a line that is one row of a grid, with or without spaces, bars and delimiters; else None."""
    delimiter = delimiter_of(text)
    fields = list(text.replace("|", "").replace(" ", "")) if delimiter is None else fields_of(text, delimiter)
    cells = single_cells(fields)
    return None if cells is None or len(cells) not in BOARDS else values_of(cells, len(cells))


def resembles_grid(text: str) -> bool:
    """Whether a field is a grid, or one with cells missing or in excess: digits and blanks, and more than in a date."""
    cells = "".join(text.split())
    return len(cells) > 11 and values_of(cells, 9) is not None


def is_grid(text: str) -> bool:
    """Whether a field is a grid of one of the boards."""
    try:
        digits_of(text)
    except ValueError:
        return False
    return True


def delimiter_of(text: str) -> str | None:
    """What separates the fields of a line; None where nothing does."""
    return next((delimiter for delimiter in DELIMITERS if delimiter in text), None)


def single_cells(fields: list[str]) -> str | None:
    """Fields that hold one cell each, as a string, empty ones as blanks; None where a field holds more."""
    cells = [field.strip() or "0" for field in fields]
    return "".join(cells) if all(len(cell) == 1 for cell in cells) else None


def solution_of(text: str) -> bytes | None:
    if not text.strip():
        return None
    digits = digits_of(text)
    if 0 in digits:
        raise ValueError("the given solution has blanks; complete it, or leave it out")
    return digits


def digits_of(text: str) -> bytes:
    """A digit for each cell of a board, spaces left out; raises ``ValueError`` at a wrong length or symbol."""
    cells = "".join(text.split())
    if len(cells) not in LENGTHS:
        side = math.isqrt(len(cells))
        board = f" (a {side}×{side} board?)" if side > 9 and side * side == len(cells) else ""
        raise ValueError(f"{len(cells)} cells{board} where a board has 16, 36 or 81; {ONLY_THESE}")
    size = LENGTHS[len(cells)].size
    digits = values_of(cells, size)
    if digits is None:
        cell = next(cell for cell, symbol in enumerate(cells) if values_of(symbol, size) is None)
        row = f"; as a row of a {len(cells)}×{len(cells)} board it cannot be read" if size == 4 else ""
        raise ValueError(
            f"{cells[cell]!a} at cell {cell + 1} is neither a digit from 1 to {size} nor a blank (0 or .){row}"
        )
    return digits


def values_of(cells: str, size: int) -> bytes | None:
    """Digits 1 to ``size`` as numbers, and 0 for the blanks 0 and a dot; None where another symbol occurs."""
    digits = cells.encode("ascii", "replace").translate(_BLANK_AS_ZERO)
    return None if digits.translate(None, b"0123456789"[: size + 1]) else digits.translate(_VALUES)
