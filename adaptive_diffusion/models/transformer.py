"""A bidirectional transformer that predicts every clean token at once."""

import math
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from adaptive_diffusion.core.corruption import Absorbing, Corruption
from adaptive_diffusion.core.denoiser import Evaluation
from adaptive_diffusion.core.state import SamplerState
from adaptive_diffusion.models.attention import attention
from adaptive_diffusion.models.factored import FactoredEmbedding, FactoredLinear
from adaptive_diffusion.models.positions import LearnedPositions, Positions
from adaptive_diffusion.models.rowwise import rowwise
from adaptive_diffusion.models.self_conditioning import SelfConditioning

MOST_LOOPS = 64
"""Loops have no weights, so that only this bounds the forward that an untrusted checkpoint can ask for."""


class Block(nn.Module):
    """Pre-norm attention and a gated feed-forward layer (SwiGLU, Shazeer 2020, arXiv 2002.05202), residual both."""

    def __init__(self, width: int, heads: int, expansion: float):
        super().__init__()
        self.heads = heads
        inner = 32 * math.ceil(width * expansion / 32)
        self.attention_norm = nn.RMSNorm(width)
        self.query_key_value = nn.Linear(width, 3 * width, bias=False)
        self.attention_out = nn.Linear(width, width, bias=False)
        self.feed_norm = nn.RMSNorm(width)
        self.feed_in = nn.Linear(width, 2 * inner, bias=False)
        self.feed_out = nn.Linear(inner, width, bias=False)

    def forward(
        self,
        x: Tensor,
        positions: Positions,
        attend: Tensor | None,
        bias: Tensor | None = None,
        places: Tensor | None = None,
    ) -> Tensor:
        query, key, value = self.projected(x)
        query, key = positions.rotate(query, places), positions.rotate(key, places)
        return self.joined(x, attention(query, key, value, attend, bias))

    def projected(self, x: Tensor) -> tuple[Tensor, ...]:
        """Queries, keys and values [B, H, L, D/H] each, not yet turned."""
        qkv = rowwise(self.query_key_value, self.attention_norm(x))
        return qkv.unflatten(-1, (3, self.heads, -1)).permute(2, 0, 3, 1, 4).unbind(0)

    def joined(self, x: Tensor, mixed: Tensor) -> Tensor:
        """[B, L, D] after attention has `mixed` [B, H, L, D/H] and the feed-forward layer has followed."""
        x = x + rowwise(self.attention_out, mixed.transpose(1, 2).reshape(x.shape))
        return x + rowwise(self.feed, self.feed_norm(x))

    def feed(self, x: Tensor) -> Tensor:
        """SiLU(x·W_gate) ⊙ (x·W_up) · W_out, rows [..., D]."""
        gate, up = self.feed_in(x).chunk(2, dim=-1)
        return self.feed_out(F.silu(gate) * up)


class TransformerTrunk(nn.Module):
    """Embeddings, blocks with RMSNorm and scaled-dot-product attention, and an output head: what the transformers of
    this package share. It evaluates nothing by itself.

    Args:
        vocabulary: K, the number of clean tokens; the mask, where there is one, is token K.
        positions: how places are encoded: learned, relational or rotary, over one or more coordinates.
        width, depth, heads, expansion: size of the trunk.
        loops: how often the blocks are applied with the same weights, 1 to MOST_LOOPS.
        status: whether the input has the status of each token: given, committed or open (a given token is never wrong).
        time_conditioning: whether the input has the noise level.
        corruption: the noise it is trained under; absorbing with mask K by default.
        self_conditioning: whether the input has the expected embedding of its own last prediction.
        factors: (kinds, values) where tokens are pairs: token k·values + v has the embedding of kind k plus that of
            value v, and its logit is a sum likewise.

    Raises:
        ValueError: a size below 1; a width that the number of heads does not divide; loops out of their range; more
            pairs than tokens.
    """

    def __init__(
        self,
        vocabulary: int,
        positions: Positions | None = None,
        width: int = 128,
        depth: int = 4,
        heads: int = 4,
        expansion: float = 8 / 3,
        loops: int = 1,
        status: bool = True,
        time_conditioning: bool = False,
        corruption: Corruption | None = None,
        self_conditioning: bool = False,
        factors: tuple[int, int] | None = None,
    ):
        super().__init__()
        for name, size in (("width", width), ("depth", depth), ("heads", heads)):
            if size < 1:
                raise ValueError(f"{name}={size} makes no transformer; use at least 1")
        if width % heads:
            raise ValueError(f"width {width} is not divisible by heads {heads}; choose a multiple")
        if not 1 <= loops <= MOST_LOOPS:
            raise ValueError(f"loops is {loops}; the trunk is repeated 1 to {MOST_LOOPS} times")
        self.vocabulary, self.loops = vocabulary, loops
        self.corruption = corruption or Absorbing(mask_id=vocabulary)
        self.tokens = (
            FactoredEmbedding(vocabulary + 1, width, *factors) if factors else nn.Embedding(vocabulary + 1, width)
        )
        self.status = nn.Embedding(3, width) if status else None
        self.time = (
            nn.Sequential(nn.Linear(16, width), nn.SiLU(), nn.Linear(width, width)) if time_conditioning else None
        )
        self.recall = nn.Linear(width, width, bias=False) if self_conditioning else None
        self.positions = positions or LearnedPositions([[i] for i in range(1024)])
        self.positions.build(width, heads, depth)
        blocks = [Block(width, heads, expansion) for _ in range(depth)]
        self.blocks = nn.ModuleList(blocks)
        self.norm = nn.RMSNorm(width)
        self.head = FactoredLinear(width, vocabulary, *factors) if factors else nn.Linear(width, vocabulary)
        self.apply(_initialise)
        if self.recall is not None:
            nn.init.zeros_(self.recall.weight)  # so that it begins as the denoiser without
        for block in blocks:
            for layer in (block.attention_out, block.feed_out):
                nn.init.normal_(layer.weight, std=0.02 / math.sqrt(2 * depth * loops))

    @property
    def layers(self) -> list[Block]:
        """The blocks, in order."""
        return cast(list[Block], list(self.blocks))

    @property
    def width(self) -> int:
        """D, the width of hidden states."""
        return self.head.in_features

    def embedded(self, tokens: Tensor, status: Tensor, noise_level: Tensor, expected: Tensor | None = None) -> Tensor:
        """[B, L, D], what the first block sees."""
        x = self.positions.add(self.tokens(tokens))
        if self.status is not None:
            x = x + self.status(status)
        if self.time is not None:
            x = x + rowwise(self.time, _fourier(noise_level, 16).to(x.dtype))[:, None]
        if self.recall is not None and expected is not None:
            x = x + self.recall(expected.to(x.dtype))
        return x

    def trunk(
        self,
        x: Tensor,
        positions: Positions,
        attend: Tensor | None,
        places: Tensor | None = None,
        related: Tensor | None = None,
    ) -> Tensor:
        """[B, L, D] hidden states from embeddings [B, L, D]; `attend` broadcasts to [B, H, L, L]. `places` [B, L] int64
        is where the embeddings stand, by default the first L places; with it no bias is added. `related` is what
        `positions.relate` returns for the tokens."""
        for _ in range(self.loops):
            for layer, block in enumerate(self.layers):
                bias = positions.bias(layer, x.shape[1], related) if places is None else None
                x = block(x, positions, attend, bias, places)
        return self.norm(x)

    def logits(self, hidden: Tensor) -> Tensor:
        """[P, K] float32 logits from packed hidden states [P, D]."""
        return self.head(hidden).float()


class TransformerDenoiser(TransformerTrunk):
    """p(x_0 | x_t) at all positions from one forward: every position attends to every other. `TransformerTrunk` has the
    arguments."""

    computes_all_blocks = True

    @property
    def time_invariant(self) -> bool:
        """Whether neither the noise level nor an earlier prediction enters."""
        return self.time is None and self.recall is None

    @property
    def memory(self) -> SelfConditioning | None:
        """Its last prediction, where it is self-conditioned."""
        if self.recall is None:
            return None
        return SelfConditioning(self.tokens.weight[: self.vocabulary])

    def hidden(
        self,
        tokens: Tensor,
        status: Tensor,
        noise_level: Tensor,
        padding: Tensor | None = None,
        expected: Tensor | None = None,
    ) -> Tensor:
        """[B, L, D] hidden states from tokens [B, L], status [B, L] (0 given, 1 committed, 2 open), noise level [B],
        padding [B, L] (true where there is nothing to attend to) and the expected embedding [B, L, D] of the step
        before, where self-conditioning has one."""
        attend = None if padding is None else ~padding[:, None, None, :]
        x = self.embedded(tokens, status, noise_level, expected)
        return self.trunk(x, self.positions, attend, related=self.positions.relate(tokens))

    def evaluate(self, state: SamplerState) -> Evaluation:
        """Hidden states of the sequences of a sampler."""
        expected = state.carry.get(SelfConditioning.name)
        return Evaluation(self.hidden(state.tokens, state.status, state.noise_level, expected=expected))


def _initialise(module: nn.Module) -> None:
    if isinstance(module, nn.Linear):
        nn.init.normal_(
            module.weight, std=0.02 if module.in_features > 256 else 1 / math.sqrt(2.5 * module.in_features)
        )
        if module.bias is not None:
            nn.init.zeros_(module.bias)
    elif isinstance(module, nn.Embedding):
        nn.init.normal_(module.weight, std=0.02)


def _fourier(noise_level: Tensor, features: int) -> Tensor:
    """[B, features]: sines and cosines of 2^i·π·t for i = 0 … features/2 − 1."""
    octaves = 2.0 ** torch.arange(features // 2, device=noise_level.device, dtype=noise_level.dtype)
    angles = noise_level[:, None] * math.pi * octaves
    return torch.cat([angles.sin(), angles.cos()], dim=-1).float()
