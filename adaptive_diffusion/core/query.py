"""Queries: what a sampler is asked to complete."""

from dataclasses import dataclass, fields
from typing import Any

import torch
from torch import Tensor


@dataclass(frozen=True)
class Queries:
    """N queries, columnar.

    Attributes:
        ids: [N] int64, distinct; a query's id keys its randomness, so its answer never depends on its neighbours.
        tokens: [N, L] int64, what is given or drafted; anything at other positions (the sampler starts from pure noise
            there).
        editable: [N, L] bool, where the sampler may write. Clues, prompts and padding are not editable.
        drafted: [N, L] bool, editable positions that begin committed, with the token that stands there: a finished
            answer to be looked through, a text to be revised. None where every editable position begins as noise.

    Raises:
        ValueError: shapes that disagree or ids that repeat.
    """

    ids: Tensor
    tokens: Tensor
    editable: Tensor
    drafted: Tensor | None = None

    def __post_init__(self) -> None:
        shapes = [mask.shape for mask in (self.editable, self.drafted) if mask is not None]
        if {self.tokens.shape} != set(shapes) or self.tokens.shape[:1] != self.ids.shape or self.tokens.ndim != 2:
            raise ValueError(
                f"queries need ids [N], tokens [N, L] and editable (and drafted, if any) [N, L]; got "
                f"{tuple(self.ids.shape)}, {tuple(self.tokens.shape)} and {', '.join(str(tuple(s)) for s in shapes)}"
            )
        if len(self.ids.unique()) != len(self.ids):
            raise ValueError("query ids repeat; give every query an id of its own")

    def __len__(self) -> int:
        return len(self.ids)

    def take(self, index: Tensor | slice) -> "Queries":
        """The queries at `index`, in that order."""
        return Queries(**self._at(index))

    def repeat(self, index: Tensor) -> "Queries":
        """The queries at `index`, which may repeat: sequences of several variations side by side."""
        chosen = object.__new__(Queries)
        for name, value in self._at(index).items():
            object.__setattr__(chosen, name, value)
        return chosen

    def _at(self, index: Tensor | slice) -> dict[str, Any]:
        columns = {item.name: getattr(self, item.name) for item in fields(self)}
        return {name: None if column is None else column[index] for name, column in columns.items()}

    @property
    def start(self) -> tuple[Tensor, Tensor]:
        """What is noise at the start and what is committed, [N, L] bool each."""
        committed = torch.zeros_like(self.editable) if self.drafted is None else self.editable & self.drafted
        return self.editable & ~committed, committed

    @staticmethod
    def of(tokens: Tensor, editable: Tensor, first_id: int = 0) -> "Queries":
        """Queries numbered from `first_id`."""
        return Queries(torch.arange(first_id, first_id + len(tokens)), tokens.long(), editable.bool())
