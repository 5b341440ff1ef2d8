"""Positions of a line of values and of constraints on them, as the entries of their incidence matrix."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from adaptive_diffusion.models.positions import EmbeddedPositions

MOST_PLACES = 1 << 12
RELATIONS = 8  # same row, same column, both in the line of values or both in constraints: yes or no each


class IncidencePositions(EmbeddedPositions):
    """Places of n values in a line and of constraints that name some of these values, such as the clauses of 3-SAT.

    The incidence matrix of a formula has a row for each constraint and a column for each value. Written out it is long
    and nearly empty; here only its entries are tokens, and a token decides its column: v stands in column v mod n,
    that of the value it names. The line of values is row 0, whatever stands there. Attention has a learned bias
    b[layer, head, relation(i, j)] by whether two places share their row, their column and their kind (value or entry),
    that begins as b − log m, where m is about how many places are so related to a place. So a layer carries values to
    the entries that name them, entries to their constraint and constraints to their values, as message passing does
    (NeuroSAT, Selsam et al. 2018, arXiv 1802.03685), instead of learning first which embeddings match.

    Values have an embedding of their place each; all entries share one, since their order means nothing.

    Args:
        values: n; tokens 0 … kinds·n − 1 name one, other tokens none.
        heading: places of the line of values, at least n; further ones are columns without a value.
        length: L, places of a sequence; those behind the line are entries.
        entries: entries of a constraint.
        kinds: tokens for each value, such as v and ¬v.

    Raises:
        ValueError: numbers below 1, a heading shorter than n, or places that are no entire constraints.
    """

    row: Tensor
    preference: nn.Parameter

    def __init__(self, values: int, heading: int, length: int, entries: int = 3, kinds: int = 2):
        if min(values, entries, kinds) < 1 or not values <= heading < length or length > MOST_PLACES:
            raise ValueError(
                f"{values} values in a heading of {heading} places of {length}, {entries} entries of {kinds} kinds: "
                f"use numbers from 1 on, with values ≤ heading < length ≤ {MOST_PLACES}"
            )
        if (length - heading) % entries:
            raise ValueError(f"{length - heading} places behind the heading are no constraints of {entries} entries")
        super().__init__([[min(place, heading)] for place in range(length)])
        self.values, self.heading, self.entries, self.kinds = values, heading, entries, kinds
        places = torch.arange(length)
        rows = torch.where(places < heading, 0, 1 + (places - heading) // entries)
        self.register_buffer("row", rows, persistent=False)

    def build(self, width: int, heads: int, depth: int = 1) -> None:
        super().build(width, heads, depth)
        # Entries that name a value, on average; a constraint names a value once.
        named = max(1.0, (len(self.row) - self.heading) / self.values)
        between = {(1, 0, 1): self.entries, (0, 1, 1): named, (0, 1, 0): named, (0, 0, 1): len(self.row)}
        related = [between.get((code & 1, code >> 1 & 1, code >> 2), 1) for code in range(RELATIONS)]
        self.preference = nn.Parameter(torch.randn(depth, heads, RELATIONS) - torch.tensor(related).log())

    def relate(self, tokens: Tensor) -> Tensor:
        """int64 [B, L, L], the relation of every two places of tokens [B, L]."""
        row = self.row[: tokens.shape[1]]
        value = row == 0
        names = tokens < self.kinds * self.values
        place = torch.arange(tokens.shape[1], device=tokens.device)
        # An entry that names nothing shares its column with no other.
        column = torch.where(value, place, torch.where(names, tokens % self.values, self.heading + place))
        same = column[:, :, None] == column[:, None, :]
        return 2 * same + (1 * (row[:, None] == row) + 4 * (value[:, None] == value))

    def bias(self, layer: int, length: int, related: Tensor | None = None) -> Tensor:
        """[B, H, L, L].

        Raises:
            ValueError: without `related`.
        """
        if related is None:
            raise ValueError(
                "IncidencePositions relate places by the tokens there, which this model does not give them; use "
                "TransformerDenoiser or GivenFirstTransformer"
            )
        preference = self.preference[layer]
        if not torch.is_grad_enabled():
            return F.embedding(related, preference.T.contiguous()).movedim(-1, 1)
        # The backward of a look-up adds one number after the other; that of a product takes a third of the time.
        shown = (related[:, None] == torch.arange(RELATIONS, device=related.device)[:, None, None]).to(preference.dtype)
        return torch.einsum("hr,brij->bhij", preference, shown)
