"""The symmetries of the board: images of a puzzle that are puzzles with one solution again."""

import numpy as np
import torch
from torch import Tensor

from adaptive_diffusion.core.row_noise import RowNoise, row_key
from adaptive_diffusion.tasks.sudoku.geometry import Geometry
from adaptive_diffusion.tasks.sudoku.puzzles import Puzzles
from adaptive_diffusion.tasks.sudoku.split import BY_RELABELLING, SplitRule


def augment(problems: Puzzles, seed: int, first: int = 0, splits: SplitRule = BY_RELABELLING) -> Puzzles:
    """A random symmetric image of each puzzle; puzzle i draws from the stream of (seed, first + i).

    Digits are relabelled, bands, stacks, and the rows and columns inside them permuted, and boards with square boxes
    transposed half of the time. A grid never leaves its split by the rule ``splits``: relabelling cannot move it, and
    where the rest would, the rest is undone.
    """
    board = problems.board
    index = torch.arange(first, first + len(problems))
    zeros = torch.zeros_like(index)
    noise = RowNoise(row_key(seed, index, zeros), zeros, zeros)
    source = rearrangements(noise, board).numpy()
    if not splits.keeps_symmetries:
        moved = np.take_along_axis(problems.solutions, source, axis=1)
        leaves = splits.splits_of(board, moved) != splits.splits_of(board, problems.solutions)
        source[leaves] = np.arange(board.length)

    labels = np.zeros((len(problems), board.size + 1), dtype=np.uint8)
    labels[:, 1:] = 1 + noise.everywhere("labels", board.size).argsort(dim=1).numpy()
    puzzles, solutions = (
        np.take_along_axis(labels, np.take_along_axis(grids, source, axis=1).astype(np.int64), axis=1)
        for grids in (problems.puzzles, problems.solutions)
    )
    return Puzzles.rated(board, puzzles, solutions)


def rearrangements(noise: RowNoise, board: Geometry) -> Tensor:
    """For each image, the cell of the original that every cell shows, int64 [N, L]."""
    rows = shuffled_lines(noise, "rows", board.size, board.rows_per_box)
    columns = shuffled_lines(noise, "columns", board.size, board.cols_per_box)
    source = rows[:, :, None] * board.size + columns[:, None, :]
    if board.rows_per_box == board.cols_per_box:
        transposed = noise.once_a_step("transpose") < 0.5
        source = torch.where(transposed[:, None, None], source.mT, source)
    return source.flatten(1)


def shuffled_lines(noise: RowNoise, name: str, size: int, lines_per_band: int) -> Tensor:
    """A random order of lines [N, size] that permutes bands and the lines inside each."""
    bands = noise.everywhere(f"bands of {name}", size // lines_per_band).argsort(dim=1)
    return (bands.repeat_interleave(lines_per_band, dim=1) + noise.everywhere(name, size)).argsort(dim=1)
