"""Which answers are a shortest path."""

import torch
from torch import Tensor
from torch.nn.functional import pad

from adaptive_diffusion.tasks.maze.mazes import FREE, GOAL, PATH, Mazes
from adaptive_diffusion.tasks.maze.search import neighbours
from adaptive_diffusion.tasks.task import Correctness


def verify(answers: Tensor, mazes: Mazes, columns: int) -> Correctness:
    """Judge answers [R, L] to R mazes; any shortest path is *valid*, the solution of the record is *exact*.

    With d(x) the moves from the start to cell x: an answer marks a shortest path to the goal g if and only if walls,
    start and goal stand, it marks d(g) − 1 free cells, and every marked cell x, as well as the goal, has a neighbour at
    distance d(x) − 1 that is marked or the start. For the goal then has a chain of d(g) − 1 marked cells behind it, and
    no other cell is marked.
    """
    around = torch.from_numpy(neighbours(answers.shape[1] // columns, columns)).to(answers.device)
    cells, distances = mazes.cells.to(answers), mazes.distances.to(answers.device)
    marked = answers == PATH
    stands = torch.where(cells == FREE, marked | (answers == FREE), answers == cells).all(1)
    levels, chain = pad(distances, (0, 1), value=-2), pad(marked | (distances == 0), (0, 1))
    behind = (chain[:, around] & (levels[:, around] == distances[:, :, None] - 1)).any(2)
    connected = (behind | ~(marked | (cells == GOAL))).all(1)
    enough = marked.sum(1) == mazes.moves.to(answers.device) - 1
    return Correctness(
        exact=(answers == mazes.solutions.to(answers)).all(1),
        valid=stands & connected & enough,
        has_reference=(mazes.paths == 1).to(answers.device),
    )
