"""The corruption test: wrong tokens planted in a finished right answer. Are they found, and is nothing else broken?"""

from dataclasses import dataclass

import torch
from torch import Tensor

from adaptive_diffusion.core.query import Queries
from adaptive_diffusion.core.row_noise import RowNoise, row_key


def planted(queries: Queries, truth: Tensor, count: int, vocabulary: int, seed: int = 0) -> Queries:
    """The queries with the right answers [N, L] as drafts, in each of which `count` editable tokens, all of them where
    there are fewer, are replaced by wrong ones: positions and tokens uniform, keyed by seed and query id.

    Raises:
        ValueError: a negative count, or a vocabulary without a wrong token.
    """
    if count < 0 or vocabulary < 2:
        raise ValueError(f"count={count} must not be negative and a vocabulary of {vocabulary} needs a second token")
    zero = torch.zeros_like(queries.ids)
    noise, length = RowNoise(row_key(seed, queries.ids, zero), zero, zero), truth.shape[1]
    order = noise.everywhere("planted", length).masked_fill(~queries.editable, torch.inf).argsort(1)
    first = torch.arange(length) < queries.editable.sum(1, keepdim=True).clamp(max=count)
    wrong = torch.zeros_like(queries.editable).scatter(1, order, first)
    other = (truth + 1 + (noise.everywhere("token", length) * (vocabulary - 1)).long()) % vocabulary
    return Queries(queries.ids, torch.where(wrong, other, truth), queries.editable, queries.editable)


@dataclass(frozen=True)
class Repair:
    """What became of planted answers, [N] each.

    Attributes:
        exact: bool, the answer is right again (stayed right, where nothing was planted).
        found: int64, planted tokens that do not stand any more; right: those that are right now.
        broken: int64, right tokens that ended wrong.
        kept: bool, what was given still stands.
    """

    exact: Tensor
    found: Tensor
    right: Tensor
    broken: Tensor
    kept: Tensor

    @classmethod
    def of(cls, drafts: Queries, truth: Tensor, answers: Tensor) -> "Repair":
        """Compares answers [N, L] with the drafts they were made of and the truth [N, L]."""
        wrong = drafts.editable & (drafts.tokens != truth)
        given = ~drafts.editable
        return cls(
            exact=(answers == truth).all(1),
            found=(wrong & (answers != drafts.tokens)).sum(1),
            right=(wrong & (answers == truth)).sum(1),
            broken=(drafts.editable & ~wrong & (answers != truth)).sum(1),
            kept=((answers == drafts.tokens) | ~given).all(1),
        )
