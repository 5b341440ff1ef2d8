"""The exact solver, many mazes at once: distances, the number of shortest paths, and one of them drawn uniformly.

The distances are scipy's, on the graph of all mazes together. The paths are counted level by level of these distances:
a loop over levels, not over mazes, which makes 128 mazes of 9×9 in a few milliseconds.
"""

from functools import cache

import numpy as np
import torch
from scipy.sparse import coo_array
from scipy.sparse.csgraph import dijkstra

from adaptive_diffusion.tasks.maze.mazes import GOAL, PATH, START, WALL, Mazes


@cache
def neighbours(rows: int, columns: int) -> np.ndarray:
    """The cells up, left, right and down of every cell, int64 [L, 4]; L where there is none."""
    numbers = np.full((rows + 2, columns + 2), rows * columns)
    numbers[1:-1, 1:-1] = np.arange(rows * columns).reshape(rows, columns)
    sides = [numbers[:-2, 1:-1], numbers[1:-1, :-2], numbers[1:-1, 2:], numbers[2:, 1:-1]]
    return np.stack([side.ravel() for side in sides], axis=1)


def distances_from(starts: np.ndarray, walls: np.ndarray, columns: int) -> np.ndarray:
    """Moves from cell `starts` [N] to every cell of mazes with `walls` bool [N, L], int16 [N, L]; −1 where no way
    leads."""
    count, length = walls.shape
    grid = np.arange(count * length).reshape(count, length // columns, columns)
    free = ~walls.reshape(grid.shape)
    right, down = free[:, :, 1:] & free[:, :, :-1], free[:, 1:] & free[:, :-1]
    begin = np.concatenate([grid[:, :, :-1][right], grid[:, :-1][down]])
    end = np.concatenate([grid[:, :, 1:][right], grid[:, 1:][down]])
    graph = coo_array((np.ones(len(begin)), (begin, end)), shape=(grid.size, grid.size)).tocsr()
    sources = starts + np.arange(count) * length
    found = dijkstra(graph, directed=False, indices=sources, unweighted=True, min_only=True)
    return np.where(np.isinf(found), -1, found).astype(np.int16).reshape(count, length)


def count_paths(distances: np.ndarray, columns: int) -> np.ndarray:
    """The number of shortest paths from the start to every cell, float64 [N, L] (exact below 2^53), by their
    `distances` int [N, L]."""
    length = distances.shape[1]
    around = neighbours(length // columns, columns)
    levels, counts = _bordered(distances, -1), np.zeros((len(distances), length + 1))
    counts[levels == 0] = 1
    rows, cells = np.nonzero(distances > 0)
    order = np.argsort(distances[rows, cells], kind="stable")
    rows, cells = rows[order], cells[order]
    begins = np.flatnonzero(np.diff(distances[rows, cells], prepend=-1))
    for chosen in np.split(np.arange(len(rows)), begins[1:]):
        row, cell = rows[chosen, None], around[cells[chosen]]
        nearer = levels[row, cell] == levels[row, cells[chosen, None]] - 1
        counts[row[:, 0], cells[chosen]] = (counts[row, cell] * nearer).sum(1)
    return counts[:, :-1]


def draw_path(
    goals: np.ndarray, distances: np.ndarray, counts: np.ndarray, columns: int, uniforms: np.ndarray
) -> np.ndarray:
    """The cells between start and goal of one shortest path, bool [N, L], every shortest path equally likely.

    Args:
        goals: int64 [N], cells that can be reached.
        distances: int [N, L].
        counts: float64 [N, L], of `count_paths`.
        columns: of the grid.
        uniforms: float64 [N, L] in 0 ≤ u < 1; one decides each move.
    """
    count, length = distances.shape
    around, mazes = neighbours(length // columns, columns), np.arange(count)
    levels, paths = _bordered(distances, -1), _bordered(counts, 0)
    found, cells = np.zeros((count, length), dtype=bool), goals
    for level in range(levels[mazes, goals].max() - 1, 0, -1):
        # A goal nearer than this level has its turn later.
        moving = levels[mazes, cells] == level + 1
        rows, sides = mazes[moving], around[cells[moving]]
        weights = paths[rows[:, None], sides] * (levels[rows[:, None], sides] == level)
        sums = weights.cumsum(1)
        side = (sums > uniforms[rows, level, None] * sums[:, -1:]).argmax(1)
        cells = cells.copy()
        cells[moving] = sides[np.arange(len(rows)), side]
        found[rows, cells[moving]] = True
    return found


def solved(cells: np.ndarray, columns: int, uniforms: np.ndarray, ratings: np.ndarray | None = None) -> Mazes:
    """Mazes uint8 [N, L] with what the search finds of them; `uniforms` as in `draw_path`.

    Raises:
        ValueError: a maze whose goal cannot be reached.
    """
    mazes, goals = np.arange(len(cells)), (cells == GOAL).argmax(1)
    distances = distances_from((cells == START).argmax(1), cells == WALL, columns)
    if (distances[mazes, goals] < 0).any():
        raise ValueError("no way leads from the start to the goal of one of the mazes")
    counts = count_paths(distances, columns)
    path = draw_path(goals, distances, counts, columns, uniforms)
    solutions = np.where(path, PATH, cells).astype(np.uint8)
    ratings = np.full(len(cells), np.nan) if ratings is None else ratings
    found = (cells, solutions, distances, counts[mazes, goals], ratings.astype(np.float32))
    return Mazes(*map(torch.from_numpy, found))


def _bordered(grid: np.ndarray, value: int) -> np.ndarray:
    """[N, L + 1]: the cells, and `value` for what lies outside."""
    return np.pad(grid, ((0, 0), (0, 1)), constant_values=value)
