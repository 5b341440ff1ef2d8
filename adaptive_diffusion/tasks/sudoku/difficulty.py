"""A test set in equal parts by difficulty: on the natural mix most puzzles need no guess at all."""

import numpy as np
import torch

from adaptive_diffusion.tasks.sudoku.generator import generate
from adaptive_diffusion.tasks.sudoku.geometry import Geometry
from adaptive_diffusion.tasks.sudoku.puzzles import Puzzles
from adaptive_diffusion.tasks.sudoku.split import BY_RELABELLING, SplitRule

# The first number of guesses of each stratum: 0, 1–2, 3–6, and 7 or more.
STRATA = (0, 1, 3, 7)
CHUNK = 4096


def stratum_of(guesses: np.ndarray) -> np.ndarray:
    """The stratum, 0 to 3, of numbers of guesses [N], int64 [N]."""
    return np.searchsorted(STRATA, guesses, side="right") - 1


def stratified(
    board: Geometry,
    count: int,
    split: str = "test",
    seed: int = 0,
    clues: tuple[int, int] | None = None,
    splits: SplitRule = BY_RELABELLING,
    max_generated: int = 2_000_000,
) -> Puzzles:
    """``count`` puzzles, a quarter from each stratum (the first of each in generated order), easiest stratum first.

    Raises ``ValueError`` where ``count`` does not divide by four, or where ``max_generated`` puzzles do not fill every
    stratum: 4×4 puzzles, for one, never need a guess.
    """
    quota, rest = divmod(count, len(STRATA))
    if rest:
        raise ValueError(f"{count} puzzles do not divide into {len(STRATA)} equal strata")
    found: list[list[Puzzles]] = [[] for _ in STRATA]
    missing = np.full(len(STRATA), quota)
    for first in range(0, max_generated, CHUNK):
        if not missing.any():
            break
        chunk = generate(board, CHUNK, split, seed, first, clues, splits)
        strata = stratum_of(chunk.guesses)
        for stratum, parts in enumerate(found):
            part = chunk.take(torch.from_numpy(np.flatnonzero(strata == stratum)[: missing[stratum]]))
            parts.append(part)
            missing[stratum] -= len(part)
    if missing.any():
        raise ValueError(
            f"{max_generated} {board.size}×{board.size} puzzles lack {missing.tolist()} of {quota} puzzles "
            f"in the strata that begin at {STRATA} guesses; use a smaller number, or 0 on a board this easy"
        )
    return Puzzles.concatenate([part for parts in found for part in parts])
