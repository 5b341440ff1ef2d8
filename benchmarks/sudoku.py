"""Reading a file of hard 9×9 puzzles, as `evaluate` and `sample` do: parsed, solved for uniqueness, and rated."""

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter, process_time
from typing import Any

import numpy as np
import torch

from adaptive_diffusion.core.row_noise import RowNoise, row_key
from adaptive_diffusion.tasks.sudoku.augmentation import rearrangements
from adaptive_diffusion.tasks.sudoku.generator import generate
from adaptive_diffusion.tasks.sudoku.geometry import geometry
from adaptive_diffusion.tasks.sudoku.kernels import search_rows
from adaptive_diffusion.tasks.sudoku.readers import read_puzzles
from adaptive_diffusion.tasks.sudoku.solver import GUESSES_COUNTED, count_guesses

BOARD = geometry(9)
SEVENTEEN_CLUES = (
    "000000010400000000020000000000050407008000300001090000300400200050100000000806000",
    "000000012000035000000600070700000300000400800100000000000120000080000040050000600",
    "000000012003600000000007000410020000000500300700000600280000040000300500000000000",
)
"""Three puzzles with as few clues as a puzzle with one solution can have (McGuire, Tugemann and Civario 2012)."""
GENERATED, HARDEST = 50_000, 1000
"""Puzzles of our own without a spare clue, and how many of them are used: those that need most guesses."""


def measure(quick: bool) -> Iterator[dict[str, Any]]:
    """Rows `sudoku/KIND`: seconds to read a file of that many puzzles, and to rate them."""
    count = 5000 if quick else 50_000
    few = np.array([[int(digit) for digit in puzzle] for puzzle in SEVENTEEN_CLUES], dtype=np.uint8)
    for name, puzzles in (("17_clues", few), ("hardest", hardest(GENERATED // (10 if quick else 1)))):
        with TemporaryDirectory() as folder:
            path = Path(folder) / "puzzles.txt"
            images = symmetric_images(puzzles, count)
            path.write_text("".join("".join(map(str, image)) + "\n" for image in images.tolist()))
            begin, begin_processor = perf_counter(), process_time()
            file = read_puzzles(path, 9)
            read = perf_counter()
            guesses = count_guesses(BOARD, file.puzzles)
            end, end_processor = perf_counter(), process_time()
        yield {
            "name": f"sudoku/{name}",
            "puzzles": count,
            "seconds": end - begin,
            "processor_seconds": end_processor - begin_processor,
            "seconds_reading": read - begin,
            "seconds_rating": end - read,
            "clues_mean": float((puzzles > 0).sum(1).mean()),
            "guesses_mean": float(guesses.mean()),
            "guesses_at_bound": float((guesses == GUESSES_COUNTED).mean()),
            "undecided": int(file.undecided.sum()),
            "ambiguous": int(file.ambiguous.sum()),
        }


def hardest(generated: int) -> np.ndarray:
    """Of puzzles of our own, those for which the solver, hidden singles included, needs most guesses [HARDEST, 81]."""
    puzzles = generate(BOARD, generated, seed=1, clues=(0, 0)).puzzles
    counts, guesses = np.zeros((2, generated), dtype=np.int64)
    search_rows(puzzles, 9, BOARD.peers, BOARD.units, 2, 10**6, np.zeros_like(puzzles), counts, guesses)
    return puzzles[np.argsort(-guesses, kind="stable")[:HARDEST]]


def symmetric_images(puzzles: np.ndarray, count: int) -> np.ndarray:
    """`count` puzzles whose rows, columns and digits are permuted at random, uint8 [count, 81]."""
    index = torch.arange(count)
    zeros = torch.zeros_like(index)
    noise = RowNoise(row_key(0, index, zeros), zeros, zeros)
    moved = np.take_along_axis(puzzles[np.arange(count) % len(puzzles)], rearrangements(noise, BOARD).numpy(), axis=1)
    names = np.zeros((count, 10), dtype=np.uint8)
    names[:, 1:] = 1 + noise.everywhere("labels", 9).argsort(dim=1).numpy()
    return np.take_along_axis(names, moved.astype(np.int64), axis=1)
