"""Revisions that changed nothing: tokens taken back and then written again."""

import torch
from torch import Tensor

from adaptive_diffusion.core.state import SamplerState

_NOTHING = -1


class RewriteCount:
    """Counts, for each of R rows, how often a position was given the very token that had been taken back there.

    `count` [R] int64. Memory is one int32 per row and position.
    """

    def __init__(self, rows: int, length: int, device: torch.device):
        self.taken = torch.full((rows, length), _NOTHING, dtype=torch.int32, device=device)
        self.count = torch.zeros(rows, dtype=torch.int64, device=device)

    def __call__(self, row: Tensor, before: SamplerState, after: SamplerState) -> None:
        """Looks at one step; row b of the batch is number `row[b]` of the R rows."""
        length = before.tokens.shape[1]
        running = before.running[:, None]
        taken = self.taken[row, :length]
        committed = running & ~before.committed & after.committed
        self.count[row] += (committed & (taken == after.tokens)).sum(1)
        remasked = running & before.committed & ~after.committed
        taken = torch.where(remasked, before.tokens.int(), taken.masked_fill(committed, _NOTHING))
        self.taken[row, :length] = taken
