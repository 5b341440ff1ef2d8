"""Puzzle files: every line is read as data, checked and solved; bad lines are named."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from adaptive_diffusion.tasks.sudoku.geometry import Geometry, geometry
from adaptive_diffusion.tasks.sudoku.notation import LENGTHS, Columns, header, parse
from adaptive_diffusion.tasks.sudoku.puzzles import Puzzles
from adaptive_diffusion.tasks.sudoku.solver import solve

LONGEST_LINE = 4096  # bytes; a 9×9 puzzle with its solution takes 330 at most, and the rest may be comment
NAMED = 5
CHUNK = 512


@dataclass(frozen=True)
class BadLine:
    """A line that was not taken, and why."""

    line: int
    reason: str


@dataclass(frozen=True)
class PuzzleFile:
    """What a file held.

    Attributes:
        puzzles: the N puzzles, in the file's order; solutions that the file left out are the solver's.
        lines: int64 [N], the line of each, from 1.
        ambiguous: bool [N], the puzzle has several solutions, so that *valid* is a fair judge and *exact* is not.
        skipped: the lines left out.
    """

    puzzles: Puzzles
    lines: np.ndarray
    ambiguous: np.ndarray
    skipped: tuple[BadLine, ...]


@dataclass(frozen=True)
class Entry:
    line: int
    puzzle: bytes
    solution: bytes | None

    def fits(self, board: Geometry) -> bool:
        return all(len(grid) == board.length for grid in (self.puzzle, self.solution) if grid is not None)


def read_puzzles(path: Path | str, size: int | None = None, skip_bad: bool = False) -> PuzzleFile:
    """Read a puzzle file, one puzzle a line, in any of the notations of ``notation.parse``.

    Blank lines and everything from ``#`` on are ignored. All puzzles are of one ``size``, by default that of the
    first readable line. With ``skip_bad`` lines that hold no solvable puzzle are left out and listed.

    Raises ``ValueError`` for a path that is no file, for a file without a puzzle, and, unless ``skip_bad``, naming the
    first bad lines.
    """
    path = Path(path)
    if not path.is_file():
        raise ValueError(f"{path} is no file; give a text file with one puzzle a line")
    read = list(entries_of(path))
    bad = [line for line in read if isinstance(line, BadLine)]
    entries = [line for line in read if isinstance(line, Entry)]
    if not entries:
        raise ValueError(f"{path} holds no puzzle{listing(bad)}")
    board = LENGTHS[len(entries[0].puzzle)] if size is None else geometry(size)
    bad += [BadLine(entry.line, f"not of size {board.size}×{board.size}") for entry in entries if not entry.fits(board)]
    entries = [entry for entry in entries if entry.fits(board)]
    parts = [judged(board, entries[first : first + CHUNK]) for first in range(0, len(entries), CHUNK)]
    reasons = [reason for _, _, reasons in parts for reason in reasons]
    bad += [BadLine(entry.line, reason) for entry, reason in zip(entries, reasons, strict=True) if reason is not None]
    bad.sort(key=lambda line: line.line)
    good = np.array([reason is None for reason in reasons], dtype=bool)
    if not good.any():
        raise ValueError(f"{path} holds no puzzle{listing(bad)}")
    if bad and not skip_bad:
        raise ValueError(f"{path} has bad lines, `--skip-bad` goes on without them{listing(bad)}")
    return PuzzleFile(
        puzzles=Puzzles.concatenate([puzzles for puzzles, _, _ in parts]).take(torch.from_numpy(np.flatnonzero(good))),
        lines=np.array([entry.line for entry in entries])[good],
        ambiguous=np.concatenate([several for _, several, _ in parts])[good],
        skipped=tuple(bad),
    )


def listing(bad: list[BadLine]) -> str:
    """The first bad lines, to follow a message."""
    shown = [f"\n  line {line.line}: {line.reason}" for line in bad[:NAMED]]
    return (":" if bad else "") + "".join(shown) + (f"\n  and {len(bad) - NAMED} more" if len(bad) > NAMED else "")


def entries_of(path: Path) -> Iterator[Entry | BadLine]:
    """Every line that is neither blank, comment nor header."""
    columns = None
    for number, text in text_lines(path):
        if text is None:
            yield BadLine(number, f"longer than {LONGEST_LINE} bytes")
            continue
        text = text.partition("#")[0].strip()
        if not text:
            continue
        try:
            if columns is None:
                columns = header(text)
                if columns is not None:
                    continue
                columns = Columns()
            yield Entry(number, *parse(text, columns))
        except ValueError as error:
            yield BadLine(number, str(error))


def text_lines(path: Path) -> Iterator[tuple[int, str | None]]:
    """Numbered lines, None for one that is too long; never holds more than one line of bounded length."""
    with path.open("rb") as file:
        number = 0
        while line := file.readline(LONGEST_LINE + 1):
            number += 1
            too_long = len(line) > LONGEST_LINE
            while too_long and not line.endswith(b"\n") and line:
                line = file.readline(LONGEST_LINE + 1)
            yield number, None if too_long else line.decode("utf-8-sig" if number == 1 else "utf-8", "replace")


def judged(board: Geometry, entries: list[Entry]) -> tuple[Puzzles, np.ndarray, list[str | None]]:
    """Puzzles with their solutions, which of them have several, and why each is bad (None: it is not)."""
    puzzles = np.stack([np.frombuffer(entry.puzzle, dtype=np.uint8) for entry in entries])
    found = solve(board, puzzles)
    solutions = found.grids.copy()
    reasons: list[str | None] = []
    for row, entry in enumerate(entries):
        if found.counts[row] == 0:
            reasons.append(contradiction(board, puzzles[row]) or "the puzzle has no solution")
        elif found.counts[row] < 0:
            reasons.append(f"given up after {found.guesses[row]} guesses")
        elif entry.solution is None:
            reasons.append(None)
        else:
            solutions[row] = np.frombuffer(entry.solution, dtype=np.uint8)
            reasons.append(wrong_solution(board, puzzles[row], solutions[row]))
    return Puzzles(puzzles, solutions, found.guesses, (puzzles > 0).sum(axis=1)), found.counts > 1, reasons


def contradiction(board: Geometry, grid: np.ndarray) -> str | None:
    """The first digit that stands twice in a row, column or box, in words."""
    for unit, cells in enumerate(board.units):
        for digit, times in enumerate(np.bincount(grid[cells])):
            if digit and times > 1:
                kind = ("row", "column", "box")[unit // board.size]
                return f"{digit} stands {times} times in {kind} {unit % board.size + 1}"
    return None


def wrong_solution(board: Geometry, puzzle: np.ndarray, solution: np.ndarray) -> str | None:
    changed = np.flatnonzero((puzzle > 0) & (puzzle != solution))
    if len(changed):
        return f"the given solution contradicts the clue at cell {changed[0] + 1}"
    twice = contradiction(board, solution)
    return twice and f"the given solution is none: {twice}"
