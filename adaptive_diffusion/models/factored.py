"""Embeddings and logits of tokens that are pairs, such as a variable and its sign."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class Factors(nn.Module):
    """The base of both: token k·n + v is value v of kind k, and tokens from kinds·n on are no pairs.

    Args:
        kinds, values: how many kinds, and n.
        count: number of tokens, at least kinds·n.

    Raises:
        ValueError: numbers below 1, or more pairs than tokens.
    """

    def __init__(self, kinds: int, values: int, count: int):
        super().__init__()
        if min(kinds, values) < 1 or kinds * values > count:
            raise ValueError(f"{kinds} kinds of {values} values are no pairs among {count} tokens; use smaller factors")
        self.sizes = [kinds, values, count - kinds * values]

    def joined(self, parts: Tensor) -> Tensor:
        """[..., count] from [..., kinds + n + others]: the sum of a pair's parts."""
        kind, value, other = parts.split(self.sizes, -1)
        return torch.cat([(kind[..., :, None] + value[..., None, :]).flatten(-2), other], -1)


class FactoredEmbedding(Factors):
    """The embedding of a pair is the sum of its kind's and its value's, so that what is learned of a kind holds for all
    values, int64 [...] to [..., width]."""

    def __init__(self, count: int, width: int, kinds: int, values: int):
        super().__init__(kinds, values, count)
        self.parts = nn.Embedding(sum(self.sizes), width)

    @property
    def weight(self) -> Tensor:
        """[count, width]."""
        return self.joined(self.parts.weight.T).T

    def forward(self, tokens: Tensor) -> Tensor:
        return F.embedding(tokens, self.weight)


class FactoredLinear(Factors):
    """The logit of a pair is the sum of its kind's and its value's, [..., width] to [..., count]."""

    def __init__(self, width: int, count: int, kinds: int, values: int):
        super().__init__(kinds, values, count)
        self.parts = nn.Linear(width, sum(self.sizes))
        self.in_features = width

    def forward(self, hidden: Tensor) -> Tensor:
        return self.joined(self.parts(hidden))
