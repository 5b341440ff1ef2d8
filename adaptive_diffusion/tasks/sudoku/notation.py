"""How a line of text writes a puzzle: a row of symbols, or comma-separated."""

import csv
from dataclasses import dataclass

from adaptive_diffusion.tasks.sudoku.geometry import BOARDS

LENGTHS = {board.length: board for board in BOARDS.values()}
PUZZLE_COLUMNS = {"puzzle", "puzzles", "quiz", "quizzes", "question"}
SOLUTION_COLUMNS = {"solution", "solutions", "answer"}


@dataclass(frozen=True)
class Columns:
    """Where a CSV file keeps puzzle and solution."""

    puzzle: int = 0
    solution: int | None = 1


def header(text: str) -> Columns | None:
    """The columns that a CSV header names, or None where the line is no header."""
    names = [field.strip().lower() for field in fields_of(text)]
    puzzle = next((place for place, name in enumerate(names) if name in PUZZLE_COLUMNS), None)
    if puzzle is None:
        return None
    return Columns(puzzle, next((place for place, name in enumerate(names) if name in SOLUTION_COLUMNS), None))


def parse(text: str, columns: Columns) -> tuple[bytes, bytes | None]:
    """Digits of puzzle (0 where blank) and solution (None where the line gives none).

    Understood are ``puzzle``, ``puzzle:n:solution``, ``puzzle,solution`` with the columns where ``columns`` says, and
    L or 2L cells with a comma between each. Raises ``ValueError`` with the reason where the line is none of these.
    """
    if "," not in text:
        puzzle, *tail = text.split(":")
        return digits_of(puzzle), solution_of(tail[1] if len(tail) > 1 else "")
    fields = fields_of(text)
    if all(len(field.strip()) <= 1 for field in fields):
        return parse_cells([field.strip() or "0" for field in fields])
    if columns.puzzle >= len(fields):
        raise ValueError(f"no column {columns.puzzle + 1}, where the header has the puzzle")
    solution = fields[columns.solution : columns.solution + 1] if columns.solution is not None else []
    return digits_of(fields[columns.puzzle]), solution_of("".join(solution))


def fields_of(text: str) -> list[str]:
    """The fields of one CSV line; raises ``ValueError`` where it is none."""
    try:
        return next(csv.reader([text], strict=True), [])
    except csv.Error as error:
        raise ValueError(f"not a CSV line ({error})") from error


def parse_cells(cells: list[str]) -> tuple[bytes, bytes | None]:
    half = len(cells) // 2
    if len(cells) not in LENGTHS and len(cells) == 2 * half and half in LENGTHS:
        return digits_of("".join(cells[:half])), solution_of("".join(cells[half:]))
    return digits_of("".join(cells)), None


def solution_of(text: str) -> bytes | None:
    if not text.strip():
        return None
    digits = digits_of(text)
    if 0 in digits:
        raise ValueError("the given solution has blanks")
    return digits


def digits_of(text: str) -> bytes:
    """A digit for each symbol; raises ``ValueError`` at a wrong length or a foreign symbol."""
    text = text.strip()
    if len(text) not in LENGTHS:
        raise ValueError(f"{len(text)} cells where a board has {', '.join(map(str, sorted(LENGTHS)))}")
    size = LENGTHS[len(text)].size
    symbols = ".123456789"[: size + 1]
    digits = [symbols.find(symbol) for symbol in text.replace("0", ".")]
    if -1 in digits:
        cell = digits.index(-1)
        raise ValueError(f"{text[cell]!a} at cell {cell + 1} is neither a digit from 1 to {size} nor a blank (0 or .)")
    return bytes(digits)
