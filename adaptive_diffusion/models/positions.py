"""Where a token stands, in one, two or more coordinates: learned embeddings or rotations."""

from abc import ABC, abstractmethod
from collections.abc import Sequence

import torch
from torch import Tensor, nn

MOST = 1 << 20
"""The largest number of places of a model."""


class Positions(nn.Module):
    """Positions for the trunk. `coordinates` [L][P] are integers: (index,) for text, (row, column, box) for a board.

    A shorter sequence uses the first places. The trunk calls `build` once with its size.
    """

    coordinates: Tensor

    def __init__(self, coordinates: Sequence[Sequence[int]]):
        super().__init__()
        table = torch.as_tensor([list(place) for place in coordinates])
        if table.ndim != 2 or table.numel() == 0 or (table < 0).any():
            raise ValueError("coordinates are L lists of the same number of non-negative integers")
        self.register_buffer("coordinates", table, persistent=False)

    @classmethod
    def grid(cls, rows: int, columns: int, box_rows: int, box_columns: int) -> "Positions":
        """(row, column, box) of every cell of a grid of boxes, row by row."""
        _few(rows * columns)
        boxes = columns // box_columns
        return cls([[r, c, r // box_rows * boxes + c // box_columns] for r in range(rows) for c in range(columns)])

    @classmethod
    def matrix(cls, size: int) -> "Positions":
        """(row, column, 1 on the diagonal) of every entry of a square matrix, row by row."""
        _few(size * size)
        return cls([[row, column, int(row == column)] for row in range(size) for column in range(size)])

    @classmethod
    def line(cls, length: int) -> "Positions":
        """Places in reading order."""
        _few(length)
        return cls([[place] for place in range(length)])

    def build(self, width: int, heads: int, depth: int = 1) -> None:
        """Make the parameters for a trunk of this width, number of heads and of layers."""

    def add(self, x: Tensor, places: Tensor | None = None) -> Tensor:
        """[B, L, D] embeddings with their places added: `places` [B, L] int64, or the first L."""
        return x

    def rotate(self, x: Tensor, places: Tensor | None = None) -> Tensor:
        """[B, H, L, D/H] queries or keys turned by their places: `places` [B, L] int64, or the first L."""
        return x

    def relate(self, tokens: Tensor) -> Tensor | None:
        """How the places of sequences [B, L] are related, for `bias`, where their tokens decide it; else None."""
        return None

    def bias(self, layer: int, length: int, related: Tensor | None = None) -> Tensor | None:
        """[H, L, L] or [B, H, L, L] added to the attention scores of a layer; None where there is nothing to add.
        `related` is what `relate` returns for the sequences."""
        return None

    def _within(self, length: int, places: Tensor | None) -> Tensor | slice:
        """The places that are meant."""
        if places is not None:
            return places
        if length > len(self.coordinates):
            raise ValueError(
                f"a sequence of {length} positions is longer than the {len(self.coordinates)} places of the model"
            )
        return slice(length)


def places_of(model: nn.Module) -> Tensor | None:
    """The coordinates [L, P] of a model's places, L being how many positions its longest sequence may have; None where
    it has no table of places."""
    tables = (part.coordinates for part in model.modules() if isinstance(part, Positions))
    return min(tables, key=len, default=None)


def _few(places: int) -> None:
    """Refuses a table of places that no memory holds; its size comes from a config."""
    if places > MOST:
        raise ValueError(f"{places} places are more than a model may have ({MOST})")


class EmbeddedPositions(Positions):
    """The base of positions that add learned embeddings, one per value of each coordinate, to the token embedding."""

    def build(self, width: int, heads: int, depth: int = 1) -> None:
        sizes = (self.coordinates.amax(0) + 1).tolist()
        self.tables = nn.ModuleList(nn.Embedding(size, width) for size in sizes)

    def add(self, x: Tensor, places: Tensor | None = None) -> Tensor:
        coordinates = self.coordinates[self._within(x.shape[1], places)]
        for axis, table in enumerate(self.tables):
            x = x + table(coordinates[..., axis])
        return x


class LearnedPositions(EmbeddedPositions):
    """A learned embedding per value of each coordinate, summed and added to the token embedding."""


class PairwisePositions(EmbeddedPositions, ABC):
    """The base of positions with learned embeddings and, in each layer, a learned bias per head on the attention
    between two places, by how they are related: b[layer, head, relation(i, j)] (a scalar per relation as in T5, Raffel
    et al. 2020, arXiv 1910.10683; relations as in Shaw et al. 2018, arXiv 1803.02155)."""

    relation: Tensor

    @abstractmethod
    def relations(self) -> tuple[Tensor, int]:
        """The relation of every two places, int64 [L, L], and the number of relations."""

    def build(self, width: int, heads: int, depth: int = 1) -> None:
        super().build(width, heads, depth)
        relation, count = self.relations()
        self.register_buffer("relation", relation, persistent=False)
        # Heads begin apart: each prefers some relations, and training chooses among them.
        self.preference = nn.Parameter(torch.randn(depth, heads, count))

    def bias(self, layer: int, length: int, related: Tensor | None = None) -> Tensor:
        return self.preference[layer][:, self.relation[:length, :length]]


class RelationalPositions(PairwisePositions):
    """Biases by which coordinates of two places are equal: relation(i, j) = Σ_p 2^p·1(x_p = y_p).

    On a grid of boxes a head finds its row, its column or its box at once instead of learning which embeddings match.

    Raises:
        ValueError: more than 8 coordinates, which have more relations than a table should.
    """

    def relations(self) -> tuple[Tensor, int]:
        axes = self.coordinates.shape[1]
        if axes > 8:
            raise ValueError(f"{axes} coordinates have 2^{axes} relations; use at most 8")
        same = self.coordinates[:, None] == self.coordinates[None]
        return (same * 2 ** torch.arange(axes)).sum(-1), 2**axes


class EvenRelationalPositions(RelationalPositions):
    """Relational positions that begin as b − log n, with n the pairs of places of a relation and b as in
    `RelationalPositions`: a relation's weights, summed over its pairs, do not depend on how many these are.

    Of the entries of an adjacency matrix few stand in the row of a node. Without the correction every head begins with
    the mean of all others, and what a node's neighbours are is not learned for a thousand steps.
    """

    def build(self, width: int, heads: int, depth: int = 1) -> None:
        super().build(width, heads, depth)
        pairs = torch.bincount(self.relation.flatten(), minlength=self.preference.shape[-1]).clamp(min=1)
        with torch.no_grad():
            self.preference -= pairs.log()


class OffsetPositions(PairwisePositions):
    """Biases by the offset from one place to the other in every coordinate, as in Swin (Liu et al. 2021, arXiv
    2103.14030): with coordinates row and column, a head finds the neighbour above, or all cells near, at once.

    `reach` is the largest offset with a bias of its own: those beyond it share a bias with it.

    Raises:
        ValueError: a reach below 1, or more offsets than a table should have.
    """

    def __init__(self, coordinates: Sequence[Sequence[int]], reach: int = 1 << 10):
        super().__init__(coordinates)
        if reach < 1:
            raise ValueError(f"reach must be at least 1, not {reach}")
        self.reach = reach

    @classmethod
    def cells(cls, rows: int, columns: int, reach: int = 1 << 10) -> "OffsetPositions":
        """(row, column) of every cell of a grid, row by row."""
        _few(rows * columns)
        return cls([[row, column] for row in range(rows) for column in range(columns)], reach)

    def relations(self) -> tuple[Tensor, int]:
        spans = self.coordinates.amax(0).clamp(max=self.reach)
        count = int((2 * spans + 1).prod())
        if count > MOST:
            raise ValueError(f"{count} offsets are more than a table should have ({MOST}); lower reach")
        offsets = (self.coordinates[:, None] - self.coordinates[None]).clamp(-spans, spans) + spans
        relation = torch.zeros(offsets.shape[:2], dtype=torch.long)
        for axis, span in enumerate(spans.tolist()):
            relation = relation * (2 * span + 1) + offsets[..., axis]
        return relation, count


class RotaryPositions(Positions):
    """Rotations of queries and keys (Su et al. 2021, arXiv 2104.09864), each coordinate in its share of the head width.

    Pair i of a coordinate's share of width w turns by angle · base^(−2i/w).
    """

    cosine: Tensor
    sine: Tensor

    def __init__(self, coordinates: Sequence[Sequence[int]], base: float = 10_000.0):
        super().__init__(coordinates)
        self.base = base

    def build(self, width: int, heads: int, depth: int = 1) -> None:
        axes = self.coordinates.shape[1]
        share = width // heads // axes // 2 * 2
        if share == 0:
            raise ValueError(
                f"a head of width {width // heads} has no room for {axes} rotary coordinates; use fewer heads"
            )
        rates = self.base ** (-torch.arange(0, share, 2) / share)
        angles = (self.coordinates[:, :, None] * rates).flatten(1)
        self.register_buffer("cosine", angles.cos(), persistent=False)
        self.register_buffer("sine", angles.sin(), persistent=False)

    def rotate(self, x: Tensor, places: Tensor | None = None) -> Tensor:
        which = self._within(x.shape[2], places)
        cosine, sine = (table[which].to(x.dtype) for table in (self.cosine, self.sine))
        if places is not None:
            cosine, sine = cosine[:, None], sine[:, None]
        turned = 2 * cosine.shape[-1]
        even, odd, rest = x[..., :turned:2], x[..., 1:turned:2], x[..., turned:]
        pair = torch.stack([even * cosine - odd * sine, even * sine + odd * cosine], dim=-1).flatten(-2)
        return torch.cat([pair, rest], dim=-1)
