"""Molecules to be written anew: their lengths are drawn, and no corpus is needed."""

from collections.abc import Sequence
from functools import partial
from typing import Any, Literal

import numpy as np

from adaptive_diffusion.tasks.data import TaskData, at_least_one
from adaptive_diffusion.tasks.keyed_numbers import keyed_uniforms
from adaptive_diffusion.tasks.molecules.framing import Framing, LengthGiven
from adaptive_diffusion.tasks.molecules.problems import MoleculeProblems
from adaptive_diffusion.tasks.molecules.task import MoleculeTask
from adaptive_diffusion.tasks.molecules.tokenizer import SmilesTokenizer, SymbolTokenizer

SEEDS = {"validation": 1, "test": 2}
LENGTHS, QUERIES = 3, 4
"""Streams of random numbers: of new molecules, and of the lines of a file of queries."""


class NewMolecules(TaskData):
    """Molecules of drawn length, to be written anew: what a trained model is evaluated on where its corpus is not
    there. There is nothing to train on.

    Args:
        lengths: how often a string has 0, 1, … tokens, in any unit; L is one less than the number of entries.
        tokenizer, framing: as of `MoleculeData`.
        held_out_problems: of validation and of test.
        batch_size, seed, evaluation_seed, evaluation_batch_size, threads: of `TaskData`.

    Raises:
        ValueError: a size below 1, or lengths that are negative or all 0.
    """

    task: MoleculeTask

    def __init__(
        self,
        lengths: Sequence[float],
        tokenizer: SymbolTokenizer | None = None,
        framing: Framing | None = None,
        held_out_problems: int = 1000,
        batch_size: int = 128,
        seed: int = 0,
        evaluation_seed: int = 0,
        evaluation_batch_size: int = 500,
        threads: int = 1,
    ) -> None:
        super().__init__(batch_size, seed, evaluation_seed, evaluation_batch_size, threads)
        at_least_one(held_out_problems=held_out_problems, length=len(lengths) - 1)
        counts = np.array(lengths, float)
        if not (counts >= 0).all() or counts.sum() <= 0 or not np.isfinite(counts).all():
            raise ValueError(f"lengths {list(lengths)} are numbers of strings: none below 0, and some above it")
        self.lengths, self.held_out_problems = counts / counts.sum(), held_out_problems
        self.task = MoleculeTask(
            len(lengths) - 1,
            tokenizer or SmilesTokenizer(),
            framing or LengthGiven(),
            drawn_length=partial(drawn_length, self.lengths),
        )

    def training(self, position: int, count: int) -> Any:
        """Raises `ValueError`: there are no strings."""
        raise ValueError("NewMolecules has no strings to train on; use MoleculeData with a corpus")

    def held_out(self, split: Literal["validation", "test"]) -> MoleculeProblems:
        return new_molecules(self.task, self.lengths, self.held_out_problems, self.evaluation_seed + SEEDS[split])

    def new(self, count: int, seed: int = 0) -> MoleculeProblems:
        """Further molecules to be written anew."""
        return new_molecules(self.task, self.lengths, count, seed)


def new_molecules(task: MoleculeTask, lengths: np.ndarray, count: int, seed: int) -> MoleculeProblems:
    """Molecules to be written anew. Where the length is given, it is drawn.

    Args:
        lengths: float64 [L + 1], the shares of strings of 0, 1, … tokens.
    """
    length, end, place = task.length, task.tokenizer.end, np.arange(task.length)
    sizes = _quantile(lengths, keyed_uniforms(seed, LENGTHS, np.arange(count), count=1)[:, 0])
    opened = [place < task.framing.open_positions(int(size), length) for size in sizes]
    return MoleculeProblems.of([np.full(length, end)] * count, opened, opened, known=False, kind=["new"] * count)


def drawn_length(lengths: np.ndarray, line: int, least: int) -> int:
    """A length of at least `least` tokens for a line of a file of queries, by the shares [L + 1] of lengths.

    Raises:
        ValueError: no string is so long.
    """
    shares = lengths * (np.arange(len(lengths)) >= least)
    if not shares.any():
        raise ValueError(f"no training string has {least} tokens or more; give the number of tokens, such as <|3|>")
    return int(_quantile(shares / shares.sum(), keyed_uniforms(QUERIES, np.array([line]), count=1)[:, 0])[0])


def _quantile(shares: np.ndarray, uniforms: np.ndarray) -> np.ndarray:
    return np.minimum(np.searchsorted(shares.cumsum(), uniforms, side="right"), len(shares) - 1)
