"""Protein sequences with something to be written, in columns."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from adaptive_diffusion.core.rows import Rows


@dataclass(frozen=True)
class ProteinProblems(Rows):
    """N sequences.

    Attributes:
        tokens: int64 [N, L], what is given; anything at open positions, padding at the end.
        editable: bool [N, L], where residues may be written.
        drafted: bool [N, L], editable positions whose present residue stands at first: a sequence to be repaired.
        clean: int64 [N, L], the sequence to be found; equal to `tokens` at positions that are not editable.
        known: bool [N], whether `clean` is known at editable positions too.
        loop: bool [N, L], positions of the third complementarity-determining region, as far as it is found.
        family: [N] strings, the germline family; empty where it is not known.
    """

    tokens: Tensor
    editable: Tensor
    drafted: Tensor
    clean: Tensor
    known: Tensor
    loop: Tensor
    family: np.ndarray

    def __len__(self) -> int:
        return len(self.tokens)


def stacked(rows: Sequence[tuple], families: Sequence[str]) -> ProteinProblems:
    """Problems from rows of numpy columns, in the order of the attributes."""
    tokens, editable, drafted, clean, known, loop = (torch.from_numpy(np.stack(one)) for one in zip(*rows, strict=True))
    family = np.array(families, dtype=object)
    return ProteinProblems(tokens, editable, drafted, clean, known, loop, family)
