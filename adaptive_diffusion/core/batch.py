"""A training batch."""

from dataclasses import dataclass
from typing import Any

from torch import Tensor

from adaptive_diffusion.core.query import Queries
from adaptive_diffusion.core.rows import Rows


@dataclass(frozen=True)
class Batch(Rows):
    """New problems to train on.

    Attributes:
        queries: what a sampler is asked, B rows; no two batches of a training share an id.
        clean: [B, L] int64, a right answer to each.
        problems: the task's own record of them, for `Task.correct`; None where nothing is scored.
    """

    queries: Queries
    clean: Tensor
    problems: Any = None

    def __len__(self) -> int:
        return len(self.clean)
