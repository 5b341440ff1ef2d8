"""Block diffusion beside what is given: a block sees itself, the blocks before it and every given token."""

import torch
from torch import Tensor

from adaptive_diffusion.core.denoiser import Evaluation
from adaptive_diffusion.core.state import SamplerState
from adaptive_diffusion.models.blockwise import CleanSequence
from adaptive_diffusion.models.positions import Positions
from adaptive_diffusion.models.transformer import TransformerTrunk


class GivenFirstBlocks(TransformerTrunk):
    """p(block | noised block, clean blocks before it, given tokens): block diffusion (Arriola et al. 2025, BD3-LM,
    arXiv 2503.09573) where parts of the answer are given at any place, such as the padding behind a string of given
    length or what surrounds a span.

    What is given belongs to no block: everything sees it, and it sees nothing else. Open positions belong to the blocks
    of `block_length` positions, counted from the first of them as samplers count, and see all blocks up to their own.
    A block as long as the sequence with nothing given makes a masked denoiser. Every forward computes all L positions:
    nothing is cached. In training `CleanBeside` puts the clean sequence beside the noised one, so that one forward over
    both learns from all blocks.

    Args:
        vocabulary: K, the number of clean tokens; the mask is token K.
        positions: how places are encoded, without a bias between pairs of places.
        width, depth, heads, expansion: size of the trunk.
        block_length: positions of a block; those of a sampler must be the same.

    Raises:
        ValueError: a block of no position, positions that bias attention, or, at sampling, blocks that are not the
            model's.
    """

    computes_all_blocks = False
    time_invariant = True
    memory = CleanSequence()

    def __init__(
        self,
        vocabulary: int,
        positions: Positions,
        width: int = 128,
        depth: int = 4,
        heads: int = 4,
        expansion: float = 8 / 3,
        block_length: int = 4,
    ):
        super().__init__(vocabulary, positions, width, depth, heads, expansion)
        if block_length < 1:
            raise ValueError(f"block_length={block_length} holds no position; use at least 1")
        if self.positions.bias(0, 1) is not None:
            raise ValueError(
                f"{type(self.positions).__name__} bias attention between pairs of places; use RotaryPositions or "
                "LearnedPositions"
            )
        self.block_length = block_length

    def evaluate(self, state: SamplerState) -> Evaluation:
        """Hidden states of sequences; those of blocks behind the present one have masks before them and are not used.

        Raises:
            ValueError: positions of several blocks may be committed at once.
        """
        sequences = state.tokens, state.status, state.noise_level, state.editable
        if CleanSequence.clean in state.carry:
            return Evaluation(self.hidden_beside_clean(*sequences, state.carry[CleanSequence.clean]))
        block = self._blocks(state.editable)
        last = block.masked_fill(~state.eligible, -1).amax(1)
        first = block.masked_fill(~state.eligible, state.tokens.shape[1]).amin(1)
        if (last > first).any():
            raise ValueError(f"the sampler's blocks are not those of the model: set block_length={self.block_length}")
        return Evaluation(self.hidden(*sequences))

    def hidden(self, tokens: Tensor, status: Tensor, noise_level: Tensor, editable: Tensor) -> Tensor:
        """[B, L, D] of sequences whose blocks before the present one are clean."""
        block = self._blocks(editable)
        attend = (block[:, :, None] >= block[:, None, :])[:, None]
        return self.trunk(self.embedded(tokens, status, noise_level), self.positions, attend)

    def hidden_beside_clean(
        self, tokens: Tensor, status: Tensor, noise_level: Tensor, editable: Tensor, clean: Tensor
    ) -> Tensor:
        """[B, L, D] of the noised sequence `tokens`, each block of which sees itself, what is given and, of the
        sequence `clean`, the blocks before it."""
        rows, length = tokens.shape
        block = self._blocks(editable).repeat(1, 2)
        noised = torch.arange(2 * length, device=tokens.device) < length
        own = (block[:, :, None] == block[:, None, :]) & (noised[:, None] == noised)
        earlier = (block[:, :, None] > block[:, None, :]) & ~noised
        written = status.clamp(max=1)  # what is open in the one is committed in the other
        both = [self.embedded(tokens, status, noise_level), self.embedded(clean, written, noise_level)]
        places = torch.arange(length, device=tokens.device).repeat(rows, 2)
        return self.trunk(torch.cat(both, 1), self.positions, (own | earlier)[:, None], places)[:, :length]

    def _blocks(self, editable: Tensor) -> Tensor:
        """[B, L] the block of each position, -1 where it is given."""
        behind_first = torch.arange(editable.shape[1], device=editable.device) - editable.long().argmax(1, keepdim=True)
        return behind_first.div(self.block_length, rounding_mode="floor").masked_fill(~editable, -1)
