"""Training sequences for an autoregressive model: the clean text."""

from dataclasses import replace

import torch

from adaptive_diffusion.core.batch import Batch
from adaptive_diffusion.core.state import SamplerState
from adaptive_diffusion.models.heads import DenoiserWithHeads
from adaptive_diffusion.sampling.sampler import Sampler
from adaptive_diffusion.training.training_states import TrainingStates


class CleanSequences(TrainingStates):
    """Everything is committed: a model that sees only what is on a token's left predicts all tokens at once,
    so that `Denoising` is the next-token loss.

    Args:
        rows: sequences a batch.
    """

    def __init__(self, rows: int):
        self.rows = rows

    def begin(self, model: DenoiserWithHeads, batch: Batch, seed: int) -> tuple[SamplerState, Batch]:
        state = Sampler(model).begin(batch.queries, torch.zeros_like(batch.queries.ids), seed)
        return replace(state, tokens=batch.clean, committed=state.editable), batch
