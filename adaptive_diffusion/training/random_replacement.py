"""Full answers with injected errors."""

from dataclasses import replace

import torch

from adaptive_diffusion.core.batch import Batch
from adaptive_diffusion.core.state import SamplerState
from adaptive_diffusion.models.heads import DenoiserWithHeads
from adaptive_diffusion.sampling.sampler import Sampler
from adaptive_diffusion.training.training_states import TrainingStates, wrong_tokens


class RandomReplacement(TrainingStates):
    """Right answers, wholly committed, in which each row's own share of the tokens is replaced by uniformly drawn ones
    that are wrong: the sequences of the corruption test, and of a planner that looks for noise.

    Args:
        rows: sequences a batch.
        share: the largest share of wrong tokens; each row's own is uniform from 0.
    """

    def __init__(self, rows: int, share: float = 0.3):
        if not 0 <= share <= 1:
            raise ValueError(f"share={share} of wrong tokens must lie between 0 and 1")
        self.rows, self.share = rows, share

    def begin(self, model: DenoiserWithHeads, batch: Batch, seed: int) -> tuple[SamplerState, Batch]:
        queries = replace(batch.queries, tokens=batch.clean, drafted=batch.queries.editable)
        state = Sampler(model).begin(queries, torch.zeros_like(queries.ids), seed)
        noise, length = state.noise, batch.clean.shape[1]
        share = self.share * noise.once_a_query("share")[:, None]
        wrong = state.editable & (noise.everywhere("wrong", length) < share)
        drawn_from = wrong_tokens(model)
        other = 1 + (noise.everywhere("other", length) * (len(drawn_from) - 1)).long()
        place = torch.searchsorted(drawn_from, batch.clean)  # of the right token, which is never drawn
        tokens = torch.where(wrong, drawn_from[(place + other) % len(drawn_from)], batch.clean)
        level = torch.zeros_like(state.noise_level)
        return replace(state, tokens=tokens, noise_level=level), batch
