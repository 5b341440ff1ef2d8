"""Training sequences for infilling: spans of the text are open to noise, what surrounds them is given."""

from dataclasses import replace

import torch

from adaptive_diffusion.core.batch import Batch
from adaptive_diffusion.core.row_noise import RowNoise, row_key
from adaptive_diffusion.core.state import SamplerState
from adaptive_diffusion.models.heads import DenoiserWithHeads
from adaptive_diffusion.training.training_states import TrainingStates


class SpanMasking(TrainingStates):
    """Another source's sequences on which only spans may be noised. A row falls into pieces of geometrically
    distributed length, and every piece is a span by chance (spans instead of scattered tokens: SpanBERT, Joshi et al.
    2020, arXiv 1907.10529). Scattered masks leave neighbours to copy from; a span to be filled in does not.

    Args:
        training_states: the source, one that keeps nothing between batches; its noise falls on the spans.
        length: the mean length of a piece, in tokens.
        share: of the pieces that are spans.

    Raises:
        ValueError: a length below 1, a share outside (0, 1].
    """

    def __init__(self, training_states: TrainingStates, length: float = 24.0, share: float = 0.25):
        if length < 1:
            raise ValueError(f"length={length}; a piece holds at least 1 token")
        if not 0 < share <= 1:
            raise ValueError(f"share={share} of spans must lie above 0 and at most at 1")
        self.training_states, self.length, self.share, self.rows = training_states, length, share, training_states.rows

    def begin(self, model: DenoiserWithHeads, batch: Batch, seed: int) -> tuple[SamplerState, Batch]:
        zero, width = torch.zeros_like(batch.queries.ids), batch.clean.shape[1]
        noise = RowNoise(row_key(seed, batch.queries.ids, zero), zero, zero)
        starts = noise.everywhere("piece", width) < 1 / self.length
        place = torch.arange(width, device=batch.clean.device)
        piece = torch.where(starts, place, 0).cummax(1).values
        span = noise.everywhere("span", width).gather(1, piece) < self.share
        editable = batch.queries.editable
        # A query may hide its answer, so what is given from now on is shown.
        shown = torch.where(editable & ~span, batch.clean, batch.queries.tokens)
        queries = replace(batch.queries, tokens=shown, editable=editable & span)
        return self.training_states.begin(model, replace(batch, queries=queries), seed)
