"""Mazes for training and evaluation."""

from collections.abc import Sequence
from typing import Literal

from adaptive_diffusion.core.parameters import two_numbers
from adaptive_diffusion.tasks.data import TaskData, at_least_one
from adaptive_diffusion.tasks.maze.generator import generate
from adaptive_diffusion.tasks.maze.mazes import Mazes
from adaptive_diffusion.tasks.maze.task import MazeTask


class MazeData(TaskData):
    """Mazes of one size. No held-out maze is an image of a training maze under a symmetry of the grid.

    Args:
        rows, columns: of the grid.
        walls: lowest and highest density of walls, drawn uniformly.
        moves: fewest and most moves of the shortest path; null as the second is as many as the grid allows.
        batch_size: training mazes of a batch.
        seed: keys the training mazes.
        validation_mazes, test_mazes: sizes of the fixed sets.
        evaluation_batch_size: mazes of a batch of validation and test.
        evaluation_seed: keys the fixed sets.
        threads: threads that make training mazes ahead.

    Raises:
        ValueError: a size below 1, densities outside 0..1, fewer than 2 moves, or walls or moves that are not two.
    """

    task: MazeTask

    def __init__(
        self,
        rows: int,
        columns: int,
        walls: Sequence[float] = (0.1, 0.45),
        moves: Sequence[int | None] = (4, None),
        batch_size: int = 256,
        seed: int = 0,
        validation_mazes: int = 1000,
        test_mazes: int = 2000,
        evaluation_batch_size: int = 500,
        evaluation_seed: int = 0,
        threads: int = 1,
    ) -> None:
        super().__init__(batch_size, seed, evaluation_seed, evaluation_batch_size, threads)
        at_least_one(validation_mazes=validation_mazes, test_mazes=test_mazes)
        self.task = MazeTask(rows, columns)
        lowest, highest = two_numbers("MazeData", "walls", walls, float, "[0.1,0.45]")
        fewest, most = two_numbers("MazeData", "moves", moves, int | None, "[4,20]")
        self.walls = (lowest, highest)
        self.moves = (fewest or 2, rows * columns if most is None else most)
        self.sizes = {"validation": validation_mazes, "test": test_mazes}

    def training(self, position: int, count: int) -> Mazes:
        return self._made(count, "train", self.seed, position)

    def held_out(self, split: Literal["validation", "test"]) -> Mazes:
        return self._made(self.sizes[split], split, self.evaluation_seed, 0)

    def _made(self, count: int, split: str, seed: int, first: int) -> Mazes:
        shape = (self.task.height, self.task.width)
        return generate(shape, count, split, seed, first, self.walls, self.moves)
