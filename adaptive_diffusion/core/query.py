"""Queries: sequences that a sampler completes."""

from dataclasses import dataclass

import torch
from torch import Tensor

from adaptive_diffusion.core.layout import Layout
from adaptive_diffusion.core.rows import Rows


@dataclass(frozen=True)
class Queries(Rows):
    """N queries, columnar.

    Attributes:
        ids: [N] int64; a query's id keys its randomness, so its answer never depends on its neighbours. Ids are
            distinct where queries are made; `take` may repeat one for several variations side by side.
        tokens: [N, L] int64, what is given or drafted; anything at other positions (the sampler starts from pure noise
            there).
        editable: [N, L] bool, where the sampler may write. What is given and padding are not editable.
        drafted: [N, L] bool, editable positions that begin committed, with the token that stands there: a finished
            answer to be looked through, a text to be revised. None where every editable position begins as noise.
        layout: how their sequences are drawn for a reader; None where that is not known.

    Raises:
        ValueError: shapes that disagree or ids that repeat.
    """

    ids: Tensor
    tokens: Tensor
    editable: Tensor
    drafted: Tensor | None = None
    layout: Layout | None = None

    def __post_init__(self) -> None:
        kinds = {"ids": torch.int64, "tokens": torch.int64, "editable": torch.bool, "drafted": torch.bool}
        for name, kind in kinds.items():
            value = getattr(self, name)
            if value is not None and value.dtype != kind:
                raise ValueError(
                    f"{name} is {value.dtype}; it must be {kind}, such as that of Queries.of(tokens, editable)"
                )
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

    @property
    def start(self) -> tuple[Tensor, Tensor]:
        """What is noise at the start and what is committed, [N, L] bool each."""
        committed = torch.zeros_like(self.editable) if self.drafted is None else self.editable & self.drafted
        return self.editable & ~committed, committed

    @staticmethod
    def of(tokens: Tensor, editable: Tensor, first_id: int = 0) -> "Queries":
        """Queries numbered from `first_id`."""
        return Queries(torch.arange(first_id, first_id + len(tokens)), tokens.long(), editable.bool())
