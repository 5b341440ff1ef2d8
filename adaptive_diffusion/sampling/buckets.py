"""Length buckets: short queries are not forwarded at the length of the longest."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from adaptive_diffusion.core.query import Queries
from adaptive_diffusion.sampling.faults import refused
from adaptive_diffusion.sampling.recipe import Recipe
from adaptive_diffusion.sampling.slots import Loop, Waiting, continuous
from adaptive_diffusion.sampling.step import Step


@dataclass(frozen=True)
class Buckets:
    """A loop that cuts each query to the shortest of a few fixed lengths that holds it, and runs a bucket at a time.

    A query's bucket depends on the query alone, and so its answer still does. It is not the answer of another padded
    length: a denoiser sees padding, and attention over another length sums in another order.

    Attributes:
        lengths: of the buckets, in tokens.
        padding: the token that fills queries up; what is editable or another token belongs to the query.
        loop: runs each bucket.

    A query that no bucket holds ends in a fault.
    """

    lengths: tuple[int, ...]
    padding: int
    loop: Loop = continuous

    def __call__(
        self, sampler: Recipe, queries: Queries, n: int, seed: int, slots: int, max_steps: int
    ) -> Iterator[Step]:
        own, longest = self.own(queries), max(self.lengths)
        bucket = self.bucket(queries)
        for length in bucket[own <= longest].unique().tolist():
            inside = cut(queries.take(((bucket == length) & (own <= longest)).nonzero()[:, 0]), length)
            yield from self.loop(sampler, inside, n, seed, slots, max_steps)
        if len(outside := (own > longest).nonzero()[:, 0]):
            lengths = sorted(self.lengths)
            error = ValueError(f"a query of {int(own.max())} tokens fits none of the buckets {lengths}; add one")
            waiting = Waiting(sampler, queries.take(outside), n, seed)
            yield refused(waiting.take(len(waiting)), error)

    def own(self, queries: Queries) -> Tensor:
        """[N] int64, the length of each query without its padding."""
        used = queries.editable | (queries.tokens != self.padding)
        places = torch.arange(1, used.shape[1] + 1, device=used.device)
        return (used * places).amax(1)

    def bucket(self, queries: Queries) -> Tensor:
        """[N] int64, the length of each query's bucket; of the largest one where none holds it."""
        own = self.own(queries)
        lengths = torch.tensor(sorted(self.lengths), device=own.device)
        bucket = lengths[torch.searchsorted(lengths, own).clamp(max=len(lengths) - 1)]
        return bucket.clamp(max=queries.tokens.shape[1])


def cut(queries: Queries, length: int) -> Queries:
    """The first `length` positions."""
    drafted = None if queries.drafted is None else queries.drafted[:, :length]
    return replace(queries, tokens=queries.tokens[:, :length], editable=queries.editable[:, :length], drafted=drafted)
