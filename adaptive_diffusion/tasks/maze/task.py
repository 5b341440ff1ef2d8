"""Mazes as a task: mark a shortest path from the start to the goal."""

from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from adaptive_diffusion.core.layout import GridLayout
from adaptive_diffusion.core.query import Queries
from adaptive_diffusion.tasks.maze.mazes import FREE, SYMBOLS, Mazes
from adaptive_diffusion.tasks.maze.readers import read_mazes
from adaptive_diffusion.tasks.maze.verifier import verify
from adaptive_diffusion.tasks.task import Correctness, Difficulty, QueryFile, Task


@dataclass(frozen=True)
class MazeTask(Task):
    """Shortest paths on a grid of `height` × `width` cells; the problems are `Mazes`.

    A sequence is the grid row by row, of the tokens wall, free cell, start, goal and cell of the path. Walls, start and
    goal are given; the other cells are open, and become free cells or cells of the path. Any shortest path is correct.

    Raises:
        ValueError: a grid without cells.
    """

    height: int
    width: int
    noun = "maze"
    vocabulary = len(SYMBOLS)
    difficulties = (
        Difficulty("paths", "shortest paths", edges=(1, 2, 4, 10, 50)),
        Difficulty("moves", "moves of the shortest path"),
        Difficulty("expanded", "cells that the search expands"),
        Difficulty("rating", "rating by the file", decimals=1),
    )

    def __post_init__(self) -> None:
        if min(self.height, self.width) < 1:
            raise ValueError(f"a maze has a height and a width of at least 1, not {self.height} and {self.width}")

    @property
    def name(self) -> str:
        return f"maze_{self.height}x{self.width}"

    @property
    def length(self) -> int:
        return self.height * self.width

    @property
    def positions(self) -> Tensor:
        """Row and column of every cell, int64 [L, 2]."""
        return torch.cartesian_prod(torch.arange(self.height), torch.arange(self.width)).reshape(-1, 2)

    @property
    def layout(self) -> GridLayout:
        """The grid without boxes; a free cell is shown as a dot."""
        symbols = tuple(SYMBOLS.replace(" ", "."))
        return GridLayout(self.height, self.width, self.height, self.width, symbols)

    def queries(self, problems: Mazes) -> Queries:
        open_cells = problems.cells == FREE
        return Queries.of(torch.where(open_cells, self.vocabulary, problems.cells.long()), open_cells)

    def targets(self, problems: Mazes) -> Tensor:
        """A shortest path of each; generated mazes have one that is drawn uniformly."""
        return problems.solutions.long()

    def verify(self, answers: Tensor, problems: Mazes) -> Correctness:
        return verify(answers, problems, self.width)

    def difficulty(self, problems: Mazes) -> dict[str, Tensor]:
        return {
            "paths": problems.paths,
            "moves": problems.moves,
            "expanded": problems.expanded,
            "rating": problems.ratings,
        }

    def read(self, path: Path, skip_bad: bool) -> QueryFile:
        """The mazes of a file, in one of the formats of `readers.read_mazes`."""
        return read_mazes(path, (self.height, self.width), skip_bad)

    def decode(self, tokens: Tensor) -> str:
        """The grid as files write it, with `?` at cells that are still open."""
        symbols = "".join(SYMBOLS[token] if 0 <= token < len(SYMBOLS) else "?" for token in tokens.tolist())
        return "\n".join(symbols[first : first + self.width] for first in range(0, self.length, self.width))
