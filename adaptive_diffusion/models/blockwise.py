"""Block-causal denoising: a block sees itself and the blocks before it, whose keys and values are cached."""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from adaptive_diffusion.core.denoiser import Evaluation
from adaptive_diffusion.core.prediction import Prediction
from adaptive_diffusion.core.rule import Memory
from adaptive_diffusion.core.state import Decision, SamplerState
from adaptive_diffusion.models.attention import attention
from adaptive_diffusion.models.positions import Positions
from adaptive_diffusion.models.transformer import TransformerTrunk


@dataclass(frozen=True)
class CleanSequence(Memory):
    """The clean sequence [B, L] beside the noised one, in training alone."""

    clean: ClassVar[str] = "clean sequence"

    def in_training(self, state: SamplerState) -> dict[str, Tensor]:
        """The clean sequence, where the training states have it; never a cache."""
        return {name: tokens for name, tokens in state.carry.items() if name == self.clean}


@dataclass(frozen=True)
class CleanBlocks(CleanSequence):
    """What a block-causal denoiser's samplers hand from step to step and from block to block: keys and values of the
    last `places` clean positions, [B, depth, 2, H, places, d] in their number format, in a ring, and how many positions
    were read, [B]."""

    depth: int
    heads: int
    places: int
    width: int
    dtype: torch.dtype = torch.float32
    name: ClassVar[str] = "clean blocks"
    read_so_far: ClassVar[str] = "clean blocks read"

    def init_carry(self, state: SamplerState, vocabulary: int) -> dict[str, Tensor]:
        """Nothing read; what was read before an earlier block stays."""
        if self.name in state.carry:
            return {name: state.carry[name] for name in (self.name, self.read_so_far)}
        shape = (len(state.tokens), self.depth, 2, self.heads, self.places, self.width // self.heads)
        return {
            self.name: torch.zeros(shape, device=state.tokens.device, dtype=self.dtype),
            self.read_so_far: torch.zeros_like(state.step),
        }

    def update_carry(self, state: SamplerState, prediction: Prediction, decision: Decision) -> dict[str, Tensor]:
        """The cache with what this step's evaluation has added."""
        return {name: prediction.evaluation.summaries[name] for name in (self.name, self.read_so_far)}


class BlockCausalTransformer(TransformerTrunk):
    """p(block | noised block, clean blocks before it) (Arriola et al. 2025, BD3-LM, arXiv 2503.09573): positions attend
    to all blocks up to their own. So a block's clean keys and values never change again, and a step of a sampler
    forwards the present block alone.

    Blocks are counted from position 0; a sampler's blocks must be these: `block_length` the same and what is given in
    front a multiple of it. A block that has become clean is read once, which counts as a forward of its row. A ring of
    `context` positions is cached, so memory does not grow with the text; on sequences of at most `context` and a block
    nothing is forgotten.

    Args:
        block_length: positions of a block.
        context: clean positions that are seen before the present block, a multiple of the block.

    Raises:
        ValueError: a context that is no multiple of the block, positions that bias attention, or, at sampling, blocks
            that are not the model's.
    """

    def __init__(
        self,
        vocabulary: int,
        positions: Positions | None = None,
        width: int = 128,
        depth: int = 4,
        heads: int = 4,
        expansion: float = 8 / 3,
        status: bool = True,
        block_length: int = 32,
        context: int = 224,
    ):
        super().__init__(vocabulary, positions, width, depth, heads, expansion, status=status)
        if block_length < 1 or context < block_length or context % block_length:
            raise ValueError(f"a context of {context} is no multiple of blocks of {block_length}")
        if self.positions.bias(0, 1) is not None:
            raise ValueError(
                f"{type(self.positions).__name__} bias attention between pairs of places, which a cache of blocks does "
                "not hold; use RotaryPositions or LearnedPositions"
            )
        self.block_length, self.context, self.heads = block_length, context, heads

    computes_all_blocks = False

    @property
    def time_invariant(self) -> bool:
        """Never: an evaluation depends on the cache."""
        return False

    @property
    def memory(self) -> CleanBlocks:
        """The clean blocks' keys and values."""
        return CleanBlocks(len(self.blocks), self.heads, self.context, self.width, self.tokens.weight.dtype)

    def hidden(self, tokens: Tensor, status: Tensor, noise_level: Tensor) -> Tensor:
        """[B, L, D] of a complete sequence at once."""
        place = torch.arange(tokens.shape[1], device=tokens.device)
        block, recent = self._block_and_recent(place)
        return self.trunk(
            self.embedded(tokens, status, noise_level), self.positions, recent & (block[:, None] >= block)
        )

    def hidden_beside_clean(self, tokens: Tensor, clean: Tensor, status: Tensor, noise_level: Tensor) -> Tensor:
        """[B, L, D] of the noised sequence `tokens`, each block of which sees itself and the blocks of the sequence
        `clean` before it: p(block | noised block, clean blocks before it) of all blocks in one forward over both
        sequences, one behind the other (Arriola et al. 2025, section 3.2)."""
        length = tokens.shape[1]
        place = torch.arange(length, device=tokens.device).repeat(2)
        block, recent = self._block_and_recent(place)
        noised = torch.arange(2 * length, device=tokens.device) < length
        own = (block[:, None] == block) & (noised[:, None] == noised)
        earlier = (block[:, None] > block) & ~noised
        written = status.clamp(max=1)  # what is open in the one is committed in the other
        both = [self.embedded(tokens, status, noise_level), self.embedded(clean, written, noise_level)]
        places = place.expand(len(tokens), -1)
        return self.trunk(torch.cat(both, 1), self.positions, recent & (own | earlier), places)[:, :length]

    def _block_and_recent(self, place: Tensor) -> tuple[Tensor, Tensor]:
        """The block of each place [L], and [L, L] whether a place is within the context of another one's block."""
        block = place // self.block_length
        return block, place >= (block * self.block_length - self.context)[:, None]

    def evaluate(self, state: SamplerState) -> Evaluation:
        """Hidden states of each row's present block, at their places and zero elsewhere; of all blocks at once where
        the state carries no cache, as in training."""
        if CleanBlocks.clean in state.carry:
            clean = state.carry[CleanBlocks.clean]
            return Evaluation(self.hidden_beside_clean(state.tokens, clean, state.status, state.noise_level))
        if CleanBlocks.name not in state.carry:
            return Evaluation(self.hidden(state.tokens, state.status, state.noise_level))
        length = state.tokens.shape[1]
        spread = torch.arange(length, device=state.tokens.device)
        first = spread.masked_fill(~state.eligible, length).amin(1) // self.block_length * self.block_length
        last = spread.masked_fill(~state.eligible, -1).amax(1)
        if (last >= first + self.block_length).any():
            raise ValueError(
                f"the sampler writes blocks that are not the model's: set block_length={self.block_length} and give a "
                "multiple of it in front"
            )
        cache, read = state.carry[CleanBlocks.name], state.carry[CleanBlocks.read_so_far]
        forwards = torch.ones_like(read)
        while (behind := read < first).any():
            _, fresh = self._block(state, read.minimum(first - self.block_length).clamp(min=0), cache)
            cache, read = self._kept(cache, fresh, read, behind), read + self.block_length * behind
            forwards = forwards + behind
        hidden, _ = self._block(state, first.clamp(max=max(0, length - 1)), cache)
        index = (first[:, None] + spread[: hidden.shape[1]]).clamp(max=length - 1)
        placed = hidden.new_zeros(*state.tokens.shape, hidden.shape[2])
        # Beyond the sequence all places are its last one: they go first, so that the real one is what stays.
        for offset in range(hidden.shape[1] - 1, -1, -1):
            placed[torch.arange(len(placed), device=placed.device), index[:, offset]] = hidden[:, offset]
        carried = {CleanBlocks.name: cache, CleanBlocks.read_so_far: read}
        return Evaluation(placed, carried, forwards, forwards * self.block_length)

    def _block(self, state: SamplerState, first: Tensor, cache: Tensor) -> tuple[Tensor, Tensor]:
        """Hidden states [B, T, D] of the block at `first` [B] and its keys and values [B, depth, 2, H, T, d]."""
        length = state.tokens.shape[1]
        places = first[:, None] + torch.arange(self.block_length, device=first.device)
        inside = places < length
        places = places.clamp(max=length - 1)
        tokens, status = state.tokens.gather(1, places), state.status.gather(1, places)
        x = self.tokens(tokens) if self.status is None else self.tokens(tokens) + self.status(status)
        x = self.positions.add(x, places)
        slot = torch.arange(self.context, device=first.device)
        # The ring's slot holds the last place before `first` that falls on it, if there has been one.
        seen = torch.where(slot < first[:, None] % self.context, True, first[:, None] >= self.context)
        attend = torch.cat([seen, inside], 1)[:, None, None, :]
        fresh = []
        for layer, block in enumerate(self.layers):
            query, key, value = block.projected(x)
            key = self.positions.rotate(key, places)
            keys, values = torch.cat([cache[:, layer, 0], key], 2), torch.cat([cache[:, layer, 1], value], 2)
            x = block.joined(x, attention(self.positions.rotate(query, places), keys, values, attend))
            fresh.append(torch.stack([key, value], 1))
        return self.norm(x), torch.stack(fresh, 1)

    def _kept(self, cache: Tensor, fresh: Tensor, read: Tensor, where: Tensor) -> Tensor:
        """The ring with a block written at `read` [B], for the rows of `where`."""
        cache = cache.clone()
        for row in where.nonzero()[:, 0].tolist():
            begin = int(read[row]) % self.context
            cache[row, ..., begin : begin + self.block_length, :] = fresh[row]
        return cache
