"""Which split a maze belongs to: that of all its images under the symmetries of the grid."""

from functools import cache

import numpy as np

from adaptive_diffusion.tasks.keyed_numbers import keyed_words
from adaptive_diffusion.tasks.maze.mazes import GOAL, PATH, START

SALT = 11  # starts the table of the hash


@cache
def symmetries(rows: int, columns: int) -> np.ndarray:
    """Where each symmetry of the grid takes each cell from, int64 [S, L]: 8 for a square, 4 for another rectangle."""
    grid = np.arange(rows * columns).reshape(rows, columns)
    turned = [grid, grid.T] if rows == columns else [grid]
    images = [image[::down, ::right] for image in turned for down in (1, -1) for right in (1, -1)]
    return np.stack([image.ravel() for image in images])


def class_hashes(cells: np.ndarray, columns: int) -> np.ndarray:
    """Hashes of the classes of mazes [N, L], uint64 [N].

    A class holds the images of a maze under the symmetries of the grid, each also with start and goal exchanged (the
    same cells are its shortest paths). The canonical form of a class is the image with the least hash, and that hash is
    returned: mazes of a class have the same one. A hash is Σ table[cell, token] modulo 2^64 (Zobrist 1970).
    """
    length = cells.shape[1]
    table = keyed_words(SALT, np.arange(length), count=PATH)
    exchanged = np.where(cells == START, GOAL, np.where(cells == GOAL, START, cells))
    images = symmetries(length // columns, columns)
    hashes = [table[image, form].sum(1) for image in images for form in (cells, exchanged)]
    return np.min(hashes, axis=0)
