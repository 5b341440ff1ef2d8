"""Training sequences for block diffusion: one block is noised, what precedes it is given."""

from dataclasses import replace

import torch

from adaptive_diffusion.core.batch import Batch
from adaptive_diffusion.core.row_noise import RowNoise, row_key
from adaptive_diffusion.core.state import SamplerState
from adaptive_diffusion.models.heads import DenoiserWithHeads
from adaptive_diffusion.training.training_states import TrainingStates


class BlockMasking(TrainingStates):
    """Another source's sequences on which only one block may be noised, drawn for each row with equal chances among
    those that hold an editable position.

    A block-causal denoiser sees the clean blocks before it and nothing behind it, so its loss on such sequences is that
    of p(block | noised block, clean blocks before it) (Arriola et al. 2025, BD3-LM, arXiv 2503.09573). One block per
    sequence and forward is the plain form of their training; theirs runs noised and clean sequences side by side, to
    learn from all blocks at once.

    Args:
        training_states: the source, one that keeps nothing between batches; its noise falls on the block.
        block_length: positions of a block, counted from position 0; the denoiser's.

    Raises:
        ValueError: a block length below 1.
    """

    def __init__(self, training_states: TrainingStates, block_length: int = 32):
        if block_length < 1:
            raise ValueError(f"block_length={block_length}; a block holds at least 1 position")
        self.training_states, self.block_length, self.rows = training_states, block_length, training_states.rows

    def begin(self, model: DenoiserWithHeads, batch: Batch, seed: int) -> tuple[SamplerState, Batch]:
        editable, zero = batch.queries.editable, torch.zeros_like(batch.queries.ids)
        block = torch.arange(editable.shape[1], device=editable.device) // self.block_length
        count = int(block[-1]) + 1
        holds = torch.zeros(len(editable), count, dtype=torch.bool, device=editable.device)
        holds = holds.scatter_reduce(1, block.expand_as(editable), editable, "amax")
        draws = RowNoise(row_key(seed, batch.queries.ids, zero), zero, zero).everywhere("block", count)
        chosen = draws.masked_fill(~holds, -1).argmax(1, keepdim=True)
        queries = replace(batch.queries, editable=editable & (block == chosen))
        return self.training_states.begin(model, replace(batch, queries=queries), seed)
