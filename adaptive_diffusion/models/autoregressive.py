"""The denoiser's trunk, reading from left to right: the autoregressive baseline."""

from dataclasses import dataclass

import torch
from torch import Tensor

from adaptive_diffusion.core.state import Rows
from adaptive_diffusion.models.attention import attention
from adaptive_diffusion.models.positions import Positions
from adaptive_diffusion.models.rowwise import rowwise
from adaptive_diffusion.models.transformer import Block, TransformerDenoiser


@dataclass(frozen=True)
class KeyValueCache(Rows):
    """What the tokens read so far left behind: `keys` and `values` [B, depth, H, L, d], of which the first `length` [B]
    places count. `write` changes the tensors in place, so that no step copies the past."""

    keys: Tensor
    values: Tensor
    length: Tensor

    def write(self, layer: int, places: Tensor, keys: Tensor, values: Tensor) -> None:
        """Keys and values [B, H, T, d] of the tokens at `places` [B, T]."""
        rows = torch.arange(len(places), device=places.device)[:, None]
        self.keys[:, layer].transpose(1, 2)[rows, places] = keys.transpose(1, 2)
        self.values[:, layer].transpose(1, 2)[rows, places] = values.transpose(1, 2)


class AutoregressiveTransformer(TransformerDenoiser):
    """p(x_i | x_<i) from the trunk of `TransformerDenoiser` under a causal mask, with the same parameters: what is the
    mask's embedding there is the beginning of the text here, and nobody asks for status or time.

    Hidden states stand where the denoiser's stand: those at position i give the logits of token i and have seen the
    tokens before it, so objectives and canvases are shared (`Denoising` is then the next-token loss).
    """

    def __init__(
        self,
        vocabulary: int,
        positions: Positions | None = None,
        width: int = 128,
        depth: int = 4,
        heads: int = 4,
        expansion: float = 8 / 3,
    ):
        super().__init__(vocabulary, positions, width, depth, heads, expansion, status=False)

    def hidden(
        self,
        tokens: Tensor,
        status: Tensor | None = None,
        noise_level: Tensor | None = None,
        padding: Tensor | None = None,
        expected: Tensor | None = None,
    ) -> Tensor:
        """[B, L, D] from tokens [B, L]: row i has seen tokens 0 … i − 1. The rest is there for those who call any
        trunk alike."""
        length = tokens.shape[1]
        causal = torch.ones(length, length, dtype=torch.bool, device=tokens.device).tril()
        return self.trunk(self.positions.add(self.tokens(self.shifted(tokens))), self.positions, causal)

    def shifted(self, tokens: Tensor) -> Tensor:
        """[B, L]: the beginning, then all tokens but the last."""
        begin = torch.full_like(tokens[:, :1], self.vocabulary)
        return torch.cat([begin, tokens[:, :-1]], 1)

    def cache(self, rows: int, length: int) -> KeyValueCache:
        """An empty cache for texts of at most `length` tokens."""
        block, weight = self.blocks[0], self.head.weight
        heads: int = block.heads  # type: ignore[assignment]
        keys = weight.new_zeros(rows, len(self.blocks), heads, length, self.width // heads)
        return KeyValueCache(keys, torch.zeros_like(keys), torch.zeros(rows, dtype=torch.int64, device=weight.device))

    def read_on(self, tokens: Tensor, cache: KeyValueCache) -> Tensor:
        """[B, T, D]: hidden states after each of T more tokens [B, T], which enter the cache (its `length` is the
        caller's to move on, since rows may have been padded)."""
        places = cache.length[:, None] + torch.arange(tokens.shape[1], device=tokens.device)
        seen = int(places.max()) + 1
        attend = (torch.arange(seen, device=tokens.device) <= places[:, :, None])[:, None]
        x = self.positions.add_at(self.tokens(tokens), places)
        for layer, block in enumerate(self.blocks):
            x = self._block(block, layer, x, places, seen, attend, cache)  # type: ignore[arg-type]
        return self.norm(x)

    def _block(
        self, block: Block, layer: int, x: Tensor, places: Tensor, seen: int, attend: Tensor, cache: KeyValueCache
    ) -> Tensor:
        """`Block.forward` for tokens at `places` that see the cache."""
        query, key, value = block.query_key_value_heads(x)
        query, key = self.positions.rotate_at(query, places), self.positions.rotate_at(key, places)
        cache.write(layer, places, key, value)
        mixed = attention(query, cache.keys[:, layer, :, :seen], cache.values[:, layer, :, :seen], attend)
        return block.finish(x, mixed)


__all__ = ["AutoregressiveTransformer", "KeyValueCache", "rowwise"]
