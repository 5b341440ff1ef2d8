"""Every symmetry of a board by brute force, for tests."""

from itertools import permutations, product

import numpy as np

from adaptive_diffusion.tasks.sudoku.geometry import Geometry


def orders_of_lines(size: int, lines_per_band: int) -> np.ndarray:
    """All orders of rows (or columns) that permute bands and the lines of each, int64 [K, n]."""
    bands = [range(first, first + lines_per_band) for first in range(0, size, lines_per_band)]
    return np.array(
        [
            [line for band in chosen for line in band]
            for order in permutations(bands)
            for chosen in product(*map(permutations, order))
        ]
    )


def rearrangements_of(board: Geometry) -> np.ndarray:
    """For every symmetry but relabelling, the cell that each cell shows, int64 [S, L]."""
    rows = orders_of_lines(board.size, board.rows_per_box)
    columns = orders_of_lines(board.size, board.cols_per_box)
    source = rows[:, None, :, None] * board.size + columns[None, :, None, :]
    source = source.reshape(-1, board.size, board.size)
    if board.rows_per_box == board.cols_per_box:
        source = np.concatenate([source, source.swapaxes(1, 2)])
    return source.reshape(-1, board.length)


def relabelled(grids: np.ndarray, size: int) -> np.ndarray:
    """Grids [N, L] with their digits renamed so that the first rows read 1..n."""
    names = 1 + np.argsort(grids[:, :size], axis=1)
    return np.take_along_axis(names, grids.astype(np.int64) - 1, axis=1)


def random_images(grids: np.ndarray, board: Geometry, seed: int = 0) -> np.ndarray:
    """A random symmetric image of each grid [N, L], digits renamed."""
    size, rng = board.size, np.random.default_rng(seed)
    rows = orders_of_lines(size, board.rows_per_box)
    columns = orders_of_lines(size, board.cols_per_box)
    images = []
    for grid in grids.reshape(-1, size, size):
        image = grid[rng.choice(rows)][:, rng.choice(columns)]
        if board.rows_per_box == board.cols_per_box and rng.random() < 0.5:
            image = image.T
        images.append(np.append(0, 1 + rng.permutation(size))[image].ravel())
    return np.array(images)
