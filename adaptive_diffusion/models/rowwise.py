"""Row-wise maps whose rows do not notice their batch."""

from collections.abc import Callable

from torch import Tensor
from torch.nn import functional as F

ROWS = 32
"""Kernels of matrix products and of exponentials treat a few elements left over, at the end or at the end of a thread's
share, differently in the last bit. Multiples of 32 rows leave none over."""


def rowwise(function: Callable[[Tensor], Tensor], x: Tensor) -> Tensor:
    """function(x) for a function of each row of x [..., D] alone, computed on rows padded to a multiple of 32.

    A row then comes out bit for bit the same alone and in any batch (CPU, float32, not compiled, a fixed number of
    threads). Where the rows are such a multiple already it costs nothing.
    """
    missing = -x.shape[:-1].numel() % ROWS
    if not missing:
        return function(x)
    return function(F.pad(x.flatten(0, -2), (0, 0, 0, missing)))[:-missing].unflatten(0, x.shape[:-1])
