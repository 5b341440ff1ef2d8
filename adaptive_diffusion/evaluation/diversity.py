"""How much variations of one answer differ."""

from typing import NamedTuple

import torch
from torch import Tensor


class Diversity(NamedTuple):
    """How much variations differ.

    Attributes:
        distinct: how many different variations there are.
        difference: the share of open positions in which two of them differ, the mean over all pairs (NaN for fewer than
            two).
    """

    distinct: int
    difference: float


def diversity(variations: Tensor) -> Diversity:
    """Of variations [n, P], tokens at the positions that were open."""
    n = len(variations)
    distinct = len(variations.unique(dim=0)) if n else 0
    if n < 2 or not variations.shape[1]:
        return Diversity(distinct, float("nan"))
    pairs = torch.combinations(torch.arange(n), 2)
    differ = variations[pairs[:, 0]] != variations[pairs[:, 1]]
    return Diversity(distinct, differ.double().mean().item())
