"""A training batch."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from adaptive_diffusion.core.query import Queries
from adaptive_diffusion.core.rows import Rows


@dataclass(frozen=True)
class Batch(Rows):
    """New problems to train on.

    Attributes:
        queries: the sampler's input, B rows; no two batches of a training share an id.
        clean: [B, L] int64, a right answer to each.
        problems: the task's own record of them; None where answers are compared with `clean`.
        scoring: the task's `score(answers, problems)`; None where answers are compared with `clean`.
    """

    queries: Queries
    clean: Tensor
    problems: Any = None
    scoring: Callable[[Tensor, Any], Tensor] | None = None

    def __len__(self) -> int:
        return len(self.clean)

    def score(self, answers: Tensor) -> Tensor:
        """[B] float32 in [0, 1], how good answers [B, L] are to the task, 1 where one is right."""
        if self.scoring is not None:
            return self.scoring(answers, self.problems)
        return ((answers == self.clean) | ~self.queries.editable).all(1).float()
