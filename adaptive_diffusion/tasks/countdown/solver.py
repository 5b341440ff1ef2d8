"""An exact solver: every equation is tried, depth first, on the numbers in descending order with + before −, ×, ÷."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from adaptive_diffusion.tasks.countdown.kernels import search_rows


@dataclass(frozen=True)
class Derivations:
    """What the search found for N problems.

    Attributes:
        first: int64 [N, n − 1, 4], the first derivation as (a, sign, b, c) in each line; zeros where there is none.
        tried: int64 [N], equations tried until the first derivation was complete; all of them where there is none.
        counts: int64 [N], derivations that differ in more than the order of their equations. Of more than 16,384 with
            their orders (five and six numbers), the first 16,384 are compared.
    """

    first: Tensor
    tried: Tensor
    counts: Tensor


def solve(numbers: Tensor, targets: Tensor, largest: int) -> Derivations:
    """Search all derivations of targets [N] from numbers [N, n], with results from 0 to ``largest``.

    It takes some microseconds for three numbers, a millisecond for five, and more than 50 ms for six.
    """
    given = np.ascontiguousarray(numbers.cpu().numpy(), dtype=np.int64)
    first = np.zeros((len(given), given.shape[1] - 1, 4), dtype=np.int64)
    tried, counts = np.zeros((2, len(given)), dtype=np.int64)
    descending = np.ascontiguousarray(-np.sort(-given, axis=1))
    search_rows(descending, targets.cpu().numpy().astype(np.int64), largest, first, tried, counts)
    return Derivations(*map(torch.from_numpy, (first, tried, counts)))
