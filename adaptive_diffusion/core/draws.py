"""Draws of positions from the uniforms of a row."""

import torch
from torch import Tensor


def at_random(weight: Tensor, among: Tensor, uniform: Tensor) -> Tensor:
    """[B, L] bool: one position a row of `among` [B, L], with probability ∝ exp(weight [B, L]), by `uniform` [B]."""
    mass = weight.double().masked_fill(~among, -torch.inf).softmax(1).nan_to_num()
    reached = mass.cumsum(1)
    first = (reached > uniform[:, None] * reached[:, -1:]) & among
    return first & (first.cumsum(1) == 1)
