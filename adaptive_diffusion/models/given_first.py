"""The autoregressive twin of a denoiser: one token after the other, what is given before what is open."""

import torch
from torch import Tensor, nn

from adaptive_diffusion.core.denoiser import Evaluation
from adaptive_diffusion.core.state import SamplerState
from adaptive_diffusion.models.attention import attention
from adaptive_diffusion.models.positions import Positions
from adaptive_diffusion.models.transformer import TransformerTrunk


class GivenFirstTransformer(TransformerTrunk):
    """p(x_i | given tokens, open tokens before i) from the trunk of `TransformerDenoiser` under a causal mask.

    The order of reading is each row's own: what is given comes first, then the open positions, both from left to
    right. The hidden state at position i has read the tokens before i in that order and gives the logits of token i;
    so sequences, objectives and samplers are those of the denoiser. `Denoising` on `CleanSequences` is the next-token
    loss of the answer, and a sampler that commits one position a step from the left draws a token per forward. Every
    forward computes all L positions: nothing is cached.

    Its parameters are those of the denoiser, with an embedding of the position that is predicted in the place of that
    of the status. Where the denoiser's attention has a bias between two positions, the twin has it between the position
    that is predicted and the one that was read; the beginning of the sequence stands where the last token does, which
    nothing reads.

    Args:
        vocabulary: K, the number of clean tokens; the embedding of the mask is the beginning of the sequence.
        positions: how places are encoded, as in the denoiser; they are all places of a sequence.
        width, depth, heads, expansion: size of the trunk.
        factors: of `TransformerTrunk`.
    """

    memory = None
    time_invariant = True
    computes_all_blocks = True

    def __init__(
        self,
        vocabulary: int,
        positions: Positions,
        width: int = 128,
        depth: int = 4,
        heads: int = 4,
        expansion: float = 8 / 3,
        factors: tuple[int, int] | None = None,
    ):
        super().__init__(vocabulary, positions, width, depth, heads, expansion, status=False, factors=factors)
        self.predicted = nn.Embedding(len(positions.coordinates), width)
        nn.init.normal_(self.predicted.weight, std=0.02)

    def evaluate(self, state: SamplerState) -> Evaluation:
        """Hidden states of sequences; what stands at open positions is not read before its turn."""
        return Evaluation(self.hidden(state.tokens, state.editable))

    def hidden(self, tokens: Tensor, editable: Tensor) -> Tensor:
        """[B, L, D] from tokens [B, L] and where they are open, bool [B, L]."""
        rank, before = reading_order(editable)
        first = rank == 0
        here = torch.arange(tokens.shape[1], device=tokens.device).expand_as(tokens)
        place = torch.where(first, here, before)
        read = tokens.gather(1, place).masked_fill(first, self.vocabulary)
        after = before.argsort(1)
        attend = (rank.gather(1, after)[:, None, :] <= rank[:, :, None])[:, None]
        x = self.positions.add(self.tokens(read), place) + self.predicted(here)
        related = self.positions.relate(tokens)
        for layer, block in enumerate(self.layers):
            query, key, value = block.projected(x)
            query, key = self.positions.rotate(query, here), self.positions.rotate(key, place)
            # Keys in the order of the places they were read from: so one bias between places serves all rows.
            key, value = (each.take_along_dim(after[:, None, :, None], 2) for each in (key, value))
            bias = self.positions.bias(layer, tokens.shape[1], related)
            x = block.joined(x, attention(query, key, value, attend, bias))
        return self.norm(x)


def reading_order(editable: Tensor) -> tuple[Tensor, Tensor]:
    """The rank of every position, given ones first and from left to right, and the position that is read before it (of
    the first: the last). Both int64 [B, L], from bool [B, L]."""
    order = editable.long().argsort(dim=1, stable=True)
    rank = order.argsort(1)
    return rank, order.roll(1, 1).gather(1, rank)
