"""Graphs to colour, in columns."""

from dataclasses import dataclass

import torch
from torch import Tensor

from adaptive_diffusion.core.rows import Rows


@dataclass(frozen=True)
class Graphs(Rows):
    """N graphs of n nodes, some of which are coloured already.

    Attributes:
        adjacency: bool [N, n, n], symmetric, false on the diagonal.
        given: uint8 [N, n], colours 1..k, and 0 at nodes to colour.
        colours: uint8 [N, n], one proper colouring that keeps what is given.
        solutions: int64 [N], how many of these there are, at most `search.SOLUTIONS_COUNTED`.
        dead_ends: int64 [N], the difficulty: dead ends in the search tree that finds them all.
    """

    adjacency: Tensor
    given: Tensor
    colours: Tensor
    solutions: Tensor
    dead_ends: Tensor

    def __len__(self) -> int:
        return len(self.given)

    @property
    def blanks(self) -> Tensor:
        """int64 [N], nodes to colour."""
        return (self.given == 0).sum(1)

    @property
    def edges(self) -> Tensor:
        """int64 [N], edges."""
        return self.adjacency.sum((1, 2)) // 2

    @property
    def unique(self) -> Tensor:
        """bool [N], there is one solution only."""
        return self.solutions == torch.ones_like(self.solutions)
