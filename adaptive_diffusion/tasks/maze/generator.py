"""Mazes with loops: walls at random, around the density at which the free cells fall apart.

Where walls are few, many paths are shortest; where they are dense, the shortest path is long and winding, most of all
near 41% of walls (the threshold of site percolation on the square grid). The mazes of Searchformer are made like this
(Lehnert et al. 2024, arXiv 2402.14083).
"""

import numpy as np

from adaptive_diffusion.tasks.keyed_numbers import keyed_uniforms
from adaptive_diffusion.tasks.maze.mazes import FREE, GOAL, START, WALL, Mazes
from adaptive_diffusion.tasks.maze.search import distances_from, solved
from adaptive_diffusion.tasks.maze.split import class_hashes
from adaptive_diffusion.tasks.splits import index_of, splits_of

MOST_DRAWS = 10_000
OTHERS = 4  # uniform numbers of a maze beside those for its walls and its path


def generate(
    shape: tuple[int, int],
    count: int,
    split: str = "train",
    seed: int = 0,
    first: int = 0,
    walls: tuple[float, float] = (0.1, 0.45),
    moves: tuple[int, int] = (4, 2**15 - 1),
) -> Mazes:
    """Mazes `first` to `first + count − 1` of the endless list that (shape, split, seed, walls, moves) names.

    Of each, the density of the walls is drawn uniformly from `walls`; the start uniformly from the free cells; the
    length of the shortest path uniformly from `moves` (both ends included, and no longer than to the farthest cell);
    the goal uniformly from the cells at that distance; and the solution uniformly from the shortest paths. A maze that
    has no cell far enough, or belongs to another split, is drawn anew. Maze n is the same whatever the range it is made
    in.

    Raises:
        ValueError: an unknown split, a negative number, densities outside 0..1, fewer than 2 moves, or conditions that
            hardly any maze meets.
    """
    rows, columns = shape
    if min(seed, first) < 0 or min(count, *shape) < 1:
        raise ValueError(
            f"shape and count must be positive, seed and first not negative; got {shape}, {count}, {seed}, {first}"
        )
    if not 0 <= walls[0] <= walls[1] < 1:
        raise ValueError(f"walls must be two densities with 0 <= lowest <= highest < 1, not {walls[0]}, {walls[1]}")
    if not 2 <= moves[0] <= moves[1]:
        raise ValueError(f"moves must be two numbers with 2 <= fewest <= most, not {moves[0]}, {moves[1]}")
    length, part = rows * columns, index_of(split)
    cells = np.zeros((count, length), dtype=np.uint8)
    pending, draw = np.arange(count), 0
    while len(pending):
        if draw == MOST_DRAWS:
            raise ValueError(
                f"{MOST_DRAWS} draws made no {rows}×{columns} maze for {split} with {walls[0]:g} to {walls[1]:g} walls "
                f"and at least {moves[0]} moves; ask for fewer moves or other walls"
            )
        uniforms = keyed_uniforms(seed, part, first + pending, draw, count=length + OTHERS)
        drawn, far_enough = _drawn(uniforms, columns, walls, moves)
        accepted = far_enough & (splits_of(class_hashes(drawn, columns)) == part)
        cells[pending[accepted]] = drawn[accepted]
        pending, draw = pending[~accepted], draw + 1
    return solved(cells, columns, keyed_uniforms(seed, part, first + np.arange(count), MOST_DRAWS, count=length))


def _drawn(
    uniforms: np.ndarray, columns: int, walls: tuple[float, float], moves: tuple[int, int]
) -> tuple[np.ndarray, np.ndarray]:
    """Mazes [N, L] from uniform numbers [N, L + 4], and bool [N], which have a goal as far away as was wanted."""
    density, start, move, goal = uniforms[:, -OTHERS:].T
    mazes = np.arange(len(uniforms))
    filled = uniforms[:, :-OTHERS] < (walls[0] + density * (walls[1] - walls[0]))[:, None]
    starts = _choose(~filled, start)
    filled[mazes, starts] = False  # where there is no free cell
    distances = distances_from(starts, filled, columns)
    farthest = np.minimum(distances.max(1), moves[1])
    wanted = moves[0] + np.floor(move * (farthest - moves[0] + 1))
    goals = _choose(distances == wanted[:, None], goal)
    cells = np.where(filled, WALL, FREE).astype(np.uint8)
    cells[mazes, starts] = START
    cells[mazes, goals] = GOAL
    return cells, farthest >= moves[0]


def _choose(among: np.ndarray, uniforms: np.ndarray) -> np.ndarray:
    """A true cell of each row of bool [N, L], each equally likely, int64 [N]; 0 where there is none."""
    place = np.floor(uniforms * among.sum(1))
    return (among.cumsum(1) > place[:, None]).argmax(1)
