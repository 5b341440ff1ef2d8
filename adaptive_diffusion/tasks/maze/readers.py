"""Files of mazes: every line is read as data, checked and solved; bad lines are named."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import chain
from math import nan
from pathlib import Path

import numpy as np
import torch

from adaptive_diffusion.tasks.lines import BadLines, numbered_lines
from adaptive_diffusion.tasks.maze.mazes import FREE, GOAL, PATH, START, SYMBOLS, WALL
from adaptive_diffusion.tasks.maze.search import distances_from, solved
from adaptive_diffusion.tasks.maze.verifier import verify
from adaptive_diffusion.tasks.tables import fields_of, rating_of
from adaptive_diffusion.tasks.task import QueryFile

TOKENS = {symbol: token for token, symbol in enumerate(SYMBOLS)} | {".": FREE}
QUESTION, ANSWER, RATING = "question", "answer", "rating"
LONGEST = 1 << 16  # bytes of a line: two grids of 30×30 need 1,800


@dataclass(frozen=True)
class Entry:
    """A maze as the file writes it, its rows joined.

    Attributes:
        line: where it begins, from 1.
        cells: a symbol for each cell.
        answer: the same with a path drawn in; None where the file has none.
        rating: the file's own difficulty; NaN where it has none.
        width: symbols of a row; None where the rows are not apart.
    """

    line: int
    cells: str
    answer: str | None = None
    rating: float = nan
    width: int | None = None


def read_mazes(path: Path, shape: tuple[int, int], skip_bad: bool = False) -> QueryFile:
    """Read a file of mazes of one shape (rows, columns), plain or compressed by gzip.

    `#` is a wall, a space or `.` a free cell, `S` the start, `G` the goal and `o` a cell of the path. A file holds

    - grids with a line for every row, and empty lines between them;
    - mazes with all rows in one line, a line for each;
    - or a table with commas, whose header names `question` and, if they are there, `answer` and `rating` (the form of
      Maze-Hard 30×30 in the data of HRM: Wang et al. 2025, arXiv 2506.21734).

    A path that the file gives is verified; otherwise one is found.

    Raises:
        ValueError: no regular file, a file without a maze, or, unless `skip_bad`, bad lines (the first are
            named).
    """
    bad = BadLines(path)
    entries = [entry for entry in _entries(bad) if _usable(entry, shape, bad)]
    if not entries:
        raise ValueError(f"{path} holds no maze{bad.listing()}")
    cells, answers = (np.stack(tokens) for tokens in zip(*map(_tokens, entries), strict=True))
    ratings = np.array([entry.rating for entry in entries])
    mazes = solved(cells, shape[1], np.full(cells.shape, 0.5), ratings)
    given = torch.tensor([entry.answer is not None for entry in entries])
    solutions = torch.where(given[:, None], torch.from_numpy(answers), mazes.solutions)
    right = verify(solutions.long(), mazes, shape[1]).valid
    for row in (~right).nonzero()[:, 0].tolist():
        bad.add(entries[row].line, "the given answer is no shortest path; correct it, or leave it out")
    if not right.any():
        raise ValueError(f"{path} holds no maze{bad.listing()}")
    skipped = tuple(map(str, bad.settled(skip_bad)))
    return QueryFile(replace(mazes, solutions=solutions).take(right.nonzero()[:, 0]), skipped)


def tokens_of(text: str) -> np.ndarray:
    """Tokens uint8 [L] of symbols."""
    return np.array([TOKENS[symbol] for symbol in text], dtype=np.uint8)


def _tokens(entry: Entry) -> tuple[np.ndarray, np.ndarray]:
    """The cells without a path, and the answer (the cells again where there is none)."""
    cells = entry.cells.replace(SYMBOLS[PATH], SYMBOLS[FREE])
    return tokens_of(cells), tokens_of(entry.answer or cells)


def _usable(entry: Entry, shape: tuple[int, int], bad: BadLines) -> bool:
    """Whether an entry is a maze of the shape that can be solved; otherwise it is bad."""
    reason = _fault(entry, shape)
    if reason is not None:
        bad.add(entry.line, reason)
    return reason is None


def _fault(entry: Entry, shape: tuple[int, int]) -> str | None:
    """Why an entry cannot be used, and what to do; None for one that can."""
    rows, columns = shape
    size = f"{rows}×{columns}"
    if entry.width is not None and (len(entry.cells), entry.width) != (rows * columns, columns):
        height = len(entry.cells) // entry.width
        grid = f"a grid of {height}×{entry.width} where the model has {size}"
        if entry.cells.count("S") > 1:
            return f"{grid}, with {entry.cells.count('S')} cells 'S'; put an empty line between mazes"
        return f"{grid}; add walls around it, or use another model"
    for name, text in (("maze", entry.cells), ("answer", entry.answer or entry.cells)):
        if len(text) != rows * columns:
            return f"{len(text)} cells in the {name} where a grid of {size} has {rows * columns}; correct the line"
        strange = next((symbol for symbol in text if symbol not in TOKENS), None)
        if strange is not None:
            return f"{strange!a} in the {name} is none of the symbols '#', ' ', '.', 'S', 'G' and 'o'; replace it"
        for symbol, meaning in (("S", "start"), ("G", "goal")):
            if text.count(symbol) != 1:
                return f"the {name} has {text.count(symbol)} cells {symbol!r}; mark one {meaning}"
    cells = tokens_of(entry.cells)[None]
    distances = distances_from((cells == START).argmax(1), cells == WALL, columns)
    return None if distances[cells == GOAL] >= 0 else "no way leads from S to G; open a wall"


def _entries(bad: BadLines) -> Iterator[Entry]:
    """The mazes of a file in the order of its lines; a row that does not fit its grid is added to ``bad``."""
    lines = ((number, line.rstrip("\r\n")) for number, line in numbered_lines(bad.path, bad, LONGEST))
    first = next(((number, line) for number, line in lines if line.strip()), None)
    if first is None:
        return
    names = [name.strip().lower() for name in fields_of(first[1], ",")] if QUESTION in first[1].lower() else []
    yield from _table(names, lines, bad) if QUESTION in names else _grids(chain([first], lines), bad)


def _table(names: list[str], lines: Iterable[tuple[int, str]], bad: BadLines) -> Iterator[Entry]:
    for number, line in lines:
        if not line:
            continue
        try:
            fields = dict(zip(names, fields_of(line, ","), strict=False))
            if QUESTION not in fields:
                raise ValueError(f"{len(fields)} fields where the header has {len(names)}; complete the line")
            rating = rating_of(fields.get(RATING, ""))
            yield Entry(number, fields[QUESTION], fields.get(ANSWER) or None, nan if rating is None else rating)
        except ValueError as error:
            bad.add(number, str(error))


def _grids(lines: Iterable[tuple[int, str]], bad: BadLines) -> Iterator[Entry]:
    rows: list[str] = []
    begin = 0
    for number, line in chain(lines, [(0, "")]):  # an empty line ends the last grid, too
        if line:
            begin = begin if rows else number
            rows.append(line)
        elif rows:
            grid, rows = rows, []
            yield from _grid(begin, grid, bad)


def _grid(begin: int, rows: list[str], bad: BadLines) -> Iterator[Entry]:
    """The maze of a block of lines, or those of lines that hold one each."""
    if all("S" in row and "G" in row for row in rows):
        for number, row in enumerate(rows, begin):
            yield Entry(number, row, row if SYMBOLS[PATH] in row else None)
        return
    width = max(map(len, rows))
    short = next((number for number, row in enumerate(rows, begin) if len(row) < width), None)
    if short is not None:
        bad.add(
            short,
            f"a row of {len(rows[short - begin])} cells in a grid with rows of {width}; write free cells as '.' where "
            "an editor drops spaces at the ends of lines",
        )
        return
    cells = "".join(rows)
    yield Entry(begin, cells, cells if SYMBOLS[PATH] in cells else None, width=width)
