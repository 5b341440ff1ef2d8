"""Mazes in columns."""

from dataclasses import dataclass

from torch import Tensor

from adaptive_diffusion.core.rows import Rows

SYMBOLS = "# SGo"
"""What a token is written as, in the order of the tokens: wall, free cell, start, goal, cell of the path."""

WALL, FREE, START, GOAL, PATH = range(len(SYMBOLS))


@dataclass(frozen=True)
class Mazes(Rows):
    """N mazes of one size, their cells row by row.

    Attributes:
        cells: uint8 [N, L], walls, free cells, start and goal.
        solutions: uint8 [N, L], the cells with one shortest path.
        distances: int16 [N, L], moves from the start; −1 at walls and where no way leads.
        paths: float64 [N], the number of shortest paths (exact below 2^53).
        ratings: float32 [N], the difficulty by the file that the maze is from; NaN where there is none.
    """

    cells: Tensor
    solutions: Tensor
    distances: Tensor
    paths: Tensor
    ratings: Tensor

    def __len__(self) -> int:
        return len(self.cells)

    @property
    def moves(self) -> Tensor:
        """int64 [N], the length of the shortest paths: moves from start to goal."""
        goals = (self.cells == GOAL).int().argmax(1, keepdim=True)
        return self.distances.gather(1, goals)[:, 0].long()

    @property
    def expanded(self) -> Tensor:
        """int64 [N], the cells that breadth-first search expands before it reaches the goal: those nearer to the start
        than the goal is."""
        return ((self.distances >= 0) & (self.distances < self.moves[:, None])).sum(1)
