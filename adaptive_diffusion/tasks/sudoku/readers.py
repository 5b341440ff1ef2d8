"""Puzzle files: every line is read as data, checked and solved; bad lines are named."""

from dataclasses import dataclass
from itertools import islice
from math import nan
from pathlib import Path

import numpy as np

from adaptive_diffusion.tasks.lines import SKIP_BAD, BadLine, BadLines
from adaptive_diffusion.tasks.sudoku.entries import entries_of
from adaptive_diffusion.tasks.sudoku.geometry import Geometry, geometry
from adaptive_diffusion.tasks.sudoku.notation import LENGTHS, Entry
from adaptive_diffusion.tasks.sudoku.solver import solve

CHUNK = 4096


@dataclass(frozen=True)
class PuzzleFile:
    """What a file held: N puzzles of one board, in the file's order.

    Attributes:
        board: the board.
        puzzles: uint8 [N, L], digits 1..n and 0 where blank.
        solutions: uint8 [N, L], the file's, or the solver's where the file has none; zeros where no solution is known.
        ambiguous: bool [N], the puzzle has several solutions.
        undecided: bool [N], the solver gave up before it had decided whether the puzzle has one solution.
        ratings: float32 [N], the file's own difficulty; NaN where it has none.
        lines: int64 [N], where each begins, from 1.
        skipped: the lines left out.
    """

    board: Geometry
    puzzles: np.ndarray
    solutions: np.ndarray
    ambiguous: np.ndarray
    undecided: np.ndarray
    ratings: np.ndarray
    lines: np.ndarray
    skipped: tuple[BadLine, ...]

    @property
    def unique(self) -> np.ndarray:
        """bool [N], the solution is the only one, so that answers may be compared with it."""
        return ~(self.ambiguous | self.undecided)

    @property
    def notes(self) -> tuple[str, ...]:
        """Sentences on puzzles with several solutions, or with an unknown number of them."""
        several, undecided, total = int(self.ambiguous.sum()), int(self.undecided.sum()), len(self.puzzles)
        notes = []
        if several:
            notes.append(f"{several} of {total} puzzles have several solutions; their answers are judged by validity")
        if undecided:
            notes.append(
                f"{undecided} of {total} puzzles are undecided: the solver gave up before it could count their "
                "solutions; their answers are judged by validity"
            )
        return tuple(notes)


def read_puzzles(
    path: Path | str, size: int | None = None, skip_bad: bool = False, option: str = SKIP_BAD
) -> PuzzleFile:
    """Read a file of puzzles, plain or compressed by gzip: a puzzle on each line, in any notation of
    ``notation.parse``, a table with a header, or grids of a line for every row, in any layout of ``entries_of``.

    All puzzles are of one ``size``, by default that of the first that can be read. A solution that the file gives is
    verified; whether it is the only one is decided by the solver. With ``skip_bad`` lines that hold no solvable puzzle
    are left out and listed; ``option`` is what the user sets for that.

    Raises ``ValueError`` for a path that is not a regular file, for a file without a puzzle, and, unless ``skip_bad``,
    naming the first bad lines.
    """
    bad = BadLines(Path(path))
    entries = entries_of(bad.path, bad)
    board = None if size is None else geometry(size)
    parts: list[dict[str, np.ndarray]] = []
    while chunk := list(islice(entries, CHUNK)):
        board = board or LENGTHS[len(chunk[0].puzzle)]
        parts.append(checked(board, chunk, bad))
    if board is None or not any(len(part["lines"]) for part in parts):
        raise ValueError(f"{path} holds no puzzle{bad.listing()}")
    skipped = bad.settled(skip_bad, option=option)
    columns = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    return PuzzleFile(board, **columns, skipped=skipped)


def checked(board: Geometry, entries: list[Entry], bad: BadLines) -> dict[str, np.ndarray]:
    """The columns of a ``PuzzleFile`` for entries that hold solvable puzzles of a board; the others are ``bad``."""
    for entry in entries:
        if not fits(board, entry):
            bad.add(entry.line, f"not of size {board.size}×{board.size}; give each size a file of its own")
    entries = [entry for entry in entries if fits(board, entry)]
    puzzles = digits_in(board, [entry.puzzle for entry in entries])
    found = solve(board, puzzles)
    given = np.array([entry.solution is not None for entry in entries], dtype=bool)
    solutions = found.grids
    solutions[given] = digits_in(board, [entry.solution for entry in entries if entry.solution is not None])
    right = is_solution(board, puzzles, solutions)
    good = np.where(given, right, (found.counts > 0) | ~found.decided)
    for row in np.flatnonzero(~good):
        fault = wrong_solution if given[row] else unsolvable
        bad.add(entries[row].line, fault(board, puzzles[row], solutions[row]))
    columns = {
        "puzzles": puzzles,
        "solutions": solutions,
        "ambiguous": found.counts > 1,
        "undecided": ~found.decided,
        "ratings": np.array([nan if entry.rating is None else entry.rating for entry in entries], dtype=np.float32),
        "lines": np.array([entry.line for entry in entries], dtype=np.int64),
    }
    return {name: column[good] for name, column in columns.items()}


def fits(board: Geometry, entry: Entry) -> bool:
    """Whether puzzle and solution are of a board."""
    return len(entry.puzzle) == board.length and (entry.solution is None or len(entry.solution) == board.length)


def digits_in(board: Geometry, grids: list[bytes]) -> np.ndarray:
    """Grids as uint8 [N, L]."""
    return np.frombuffer(b"".join(grids), dtype=np.uint8).reshape(len(grids), board.length)


def is_solution(board: Geometry, puzzles: np.ndarray, grids: np.ndarray) -> np.ndarray:
    """bool [N]: every row, column and box of a grid is a permutation, and every clue of its puzzle stands."""
    permutations = np.sort(grids[:, board.units], axis=2) == np.arange(1, board.size + 1)
    return permutations.all(axis=(1, 2)) & ((puzzles == 0) | (puzzles == grids)).all(axis=1)


def unsolvable(board: Geometry, puzzle: np.ndarray, _: np.ndarray) -> str:
    """Why a puzzle has no solution."""
    twice = contradiction(board, puzzle)
    return f"{twice or 'the puzzle has no solution'}; correct its clues"


def wrong_solution(board: Geometry, puzzle: np.ndarray, solution: np.ndarray) -> str:
    """Why a grid is not the solution of a puzzle."""
    changed = np.flatnonzero((puzzle > 0) & (puzzle != solution))
    if len(changed):
        return f"the given solution contradicts the clue at cell {changed[0] + 1}; correct one of the two"
    return f"the given solution breaks a rule: {contradiction(board, solution)}; correct it, or leave it out"


def contradiction(board: Geometry, grid: np.ndarray) -> str | None:
    """The first digit that stands twice in a row, column or box, in words."""
    for unit, cells in enumerate(board.units):
        for digit, times in enumerate(np.bincount(grid[cells])):
            if digit and times > 1:
                kind = ("row", "column", "box")[unit // board.size]
                return f"{digit} stands {times} times in {kind} {unit % board.size + 1}"
    return None
