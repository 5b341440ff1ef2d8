"""Choosing positions by score, row by row."""

import torch
from torch import Tensor


def best(score: Tensor, among: Tensor, count: Tensor) -> Tensor:
    """[B, L] bool: the `count` [B] highest scores [B, L] of `among` [B, L] in each row, ties to the left."""
    # An impossible candidate, scored −∞, still comes before what is none.
    score = score.clamp(min=torch.finfo(score.dtype).min).masked_fill(~among, float("-inf"))
    ranked = score.sort(dim=1, descending=True, stable=True).indices
    first = torch.arange(score.shape[1], device=score.device) < count.minimum(among.sum(1))[:, None]
    return torch.zeros_like(among).scatter(1, ranked, first)
