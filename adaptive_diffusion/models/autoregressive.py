"""The denoiser's trunk, reading from left to right: the autoregressive baseline."""

from dataclasses import dataclass

import torch
from torch import Tensor

from adaptive_diffusion.core.denoiser import Evaluation
from adaptive_diffusion.core.state import SamplerState
from adaptive_diffusion.models.attention import attention
from adaptive_diffusion.models.positions import Positions
from adaptive_diffusion.models.transformer import TransformerTrunk


@dataclass(frozen=True)
class KeyValueCache:
    """What was read so far: `keys` and `values` [depth, B, H, L, d], of which the first `length` [B] places count. The
    tensors are written in place, so that no step copies the past."""

    keys: Tensor
    values: Tensor
    length: Tensor

    def write(self, layer: int, places: Tensor, keys: Tensor, values: Tensor) -> None:
        """Keys and values [B, H, T, d] of what stands at `places` [B, T]."""
        rows = torch.arange(len(places), device=places.device)[:, None]
        self.keys[layer][rows, :, places] = keys.transpose(1, 2)
        self.values[layer][rows, :, places] = values.transpose(1, 2)

    def take(self, rows: Tensor) -> "KeyValueCache":
        """The cache of some rows."""
        return KeyValueCache(self.keys[:, rows], self.values[:, rows], self.length[rows])

    def put(self, rows: Tensor, other: "KeyValueCache") -> None:
        """Takes over another cache as these rows."""
        read = other.keys.shape[3]
        self.keys[:, rows, :, :read], self.values[:, rows, :, :read] = other.keys, other.values
        self.length[rows] = other.length


class AutoregressiveTransformer(TransformerTrunk):
    """p(x_i | x_<i) from the trunk of `TransformerDenoiser` under a causal mask and with the same parameters: what is
    the mask's embedding there is the beginning of the text here.

    Hidden states stand where the denoiser's stand: those at position i give the logits of token i and have seen the
    tokens before it. So sequences and objectives are shared: `Denoising` on
    `CleanSequences` is the next-token loss.
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

    memory = None
    time_invariant = True
    computes_all_blocks = True

    def evaluate(self, state: SamplerState) -> Evaluation:
        """Hidden states of sequences; what is committed or noised makes no difference."""
        return Evaluation(self.hidden(state.tokens))

    def hidden(self, tokens: Tensor) -> Tensor:
        """[B, L, D] from tokens [B, L]."""
        begin = torch.full_like(tokens[:, :1], self.vocabulary)
        read = torch.cat([begin, tokens[:, :-1]], 1)
        causal = torch.ones(read.shape[1], read.shape[1], dtype=torch.bool, device=read.device).tril()
        return self.trunk(self.positions.add(self.tokens(read)), self.positions, causal)

    def cache(self, rows: int, length: int) -> KeyValueCache:
        """An empty cache for `length` places of `rows` texts."""
        weight, heads = self.norm.weight, self.layers[0].heads
        keys = weight.new_zeros(len(self.blocks), rows, heads, length, self.width // heads)
        return KeyValueCache(keys, torch.zeros_like(keys), torch.zeros(rows, dtype=torch.int64, device=weight.device))

    def read_on(self, tokens: Tensor, cache: KeyValueCache) -> Tensor:
        """[B, T, D]: hidden states after each of T further tokens [B, T] (the first of a text is the beginning, token
        K), which enter the cache. Its `length` is the caller's to move on, since rows may be padded."""
        places = cache.length[:, None] + torch.arange(tokens.shape[1], device=tokens.device)
        seen = int(places.max()) + 1
        attend = (torch.arange(seen, device=tokens.device) <= places[:, :, None])[:, None]
        x = self.positions.add(self.tokens(tokens), places)
        for layer, block in enumerate(self.layers):
            query, key, value = block.projected(x)
            cache.write(layer, places, self.positions.rotate(key, places), value)
            keys, values = cache.keys[layer, :, :, :seen], cache.values[layer, :, :, :seen]
            mixed = attention(self.positions.rotate(query, places), keys, values, attend)
            x = block.joined(x, mixed)
        return self.norm(x)
