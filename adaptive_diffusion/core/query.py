"""Queries: what a sampler is asked to complete."""

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Queries:
    """N queries, columnar.

    Attributes:
        ids: [N] int64, distinct; a query's id keys its randomness, so its answer never depends on its neighbours.
        tokens: [N, L] int64, what is given; at editable positions anything (the sampler starts from pure noise there).
        editable: [N, L] bool, where the sampler may write. Clues, prompts and padding are not editable.

    Raises:
        ValueError: shapes that disagree or ids that repeat.
    """

    ids: Tensor
    tokens: Tensor
    editable: Tensor

    def __post_init__(self) -> None:
        if self.tokens.shape != self.editable.shape or self.tokens.shape[:1] != self.ids.shape or self.tokens.ndim != 2:
            raise ValueError(
                f"queries need ids [N], tokens [N, L] and editable [N, L]; got {tuple(self.ids.shape)}, "
                f"{tuple(self.tokens.shape)} and {tuple(self.editable.shape)}"
            )
        if len(self.ids.unique()) != len(self.ids):
            raise ValueError("query ids repeat; give every query an id of its own")

    def __len__(self) -> int:
        return len(self.ids)

    def take(self, index: Tensor | slice) -> "Queries":
        """The queries at `index`, in that order."""
        return Queries(self.ids[index], self.tokens[index], self.editable[index])

    def repeat(self, index: Tensor) -> "Queries":
        """The queries at `index`, which may repeat: canvases of several variations side by side."""
        chosen = object.__new__(Queries)
        for name in ("ids", "tokens", "editable"):
            object.__setattr__(chosen, name, getattr(self, name)[index])
        return chosen

    @staticmethod
    def of(tokens: Tensor, editable: Tensor, first_id: int = 0) -> "Queries":
        """Queries numbered from `first_id`."""
        return Queries(torch.arange(first_id, first_id + len(tokens)), tokens.long(), editable.bool())
