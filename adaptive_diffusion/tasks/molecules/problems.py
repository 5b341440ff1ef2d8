"""Molecules to be written, in columns."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from adaptive_diffusion.core.rows import Rows


@dataclass(frozen=True)
class MoleculeProblems(Rows):
    """N strings.

    Attributes:
        tokens: int64 [N, L], the string with ends behind it; anything at open positions where it is not known.
        editable: bool [N, L], where tokens may be written.
        inside: bool [N, L], positions of the string; all of them where its length is not given.
        known: bool [N], whether `tokens` hold a reference at open positions too.
        kind: [N] strings, what is open: "new", "span" or "query".
    """

    tokens: Tensor
    editable: Tensor
    inside: Tensor
    known: Tensor
    kind: np.ndarray

    def __len__(self) -> int:
        return len(self.tokens)

    @staticmethod
    def of(
        tokens: Sequence[np.ndarray],
        editable: Sequence[np.ndarray],
        inside: Sequence[np.ndarray],
        known: bool,
        kind: Sequence[str],
    ) -> "MoleculeProblems":
        """Problems from rows of numpy columns."""
        first, second, third = (torch.from_numpy(np.stack(column)) for column in (tokens, editable, inside))
        kinds = np.array(kind, dtype=object)
        return MoleculeProblems(first, second, third, torch.full((len(tokens),), known), kinds)
