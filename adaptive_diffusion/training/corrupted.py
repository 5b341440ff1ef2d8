"""Training canvases by the corruption of the denoiser itself."""

from dataclasses import replace

import torch
from torch import Tensor

from adaptive_diffusion.core.state import SamplerState
from adaptive_diffusion.models.heads import DenoiserWithHeads
from adaptive_diffusion.sampling.sampler import Sampler
from adaptive_diffusion.training.canvases import Canvases, Fresh


class Corrupted(Canvases):
    """x_t ~ q(x_t | x_0) at levels t spaced evenly over the batch from one uniform (Kingma et al. 2021, arXiv
    2107.00630): what the likelihood bound is taken over, for any corruption. Where noise is a mask, all else counts as
    committed; where it cannot be told from a token, nothing does.

    Args:
        rows: canvases a batch.
        least: the smallest t, where the bound's rates would grow without limit.
    """

    def __init__(self, rows: int, least: float = 1e-3):
        self.rows, self.least = rows, least

    def begin(self, model: DenoiserWithHeads, fresh: Fresh, seed: int) -> tuple[SamplerState, Tensor]:
        state = Sampler(model).begin(fresh.queries, torch.zeros_like(fresh.queries.ids), seed)
        noise, length = state.noise, state.tokens.shape[1]
        spaced = torch.arange(len(state.tokens), device=state.key.device) / len(state.tokens)
        t = self.least + (1 - self.least) * ((noise.once_a_query("t")[:1] + spaced) % 1)
        tokens, _ = state.corruption.corrupt(
            fresh.clean, state.editable, t, noise.everywhere("mask", length), lambda: noise.everywhere("other", length)
        )
        tokens = torch.where(state.editable, tokens, state.tokens)
        masked = state.corruption.kind == "absorbing"
        committed = state.editable & (tokens < model.vocabulary) & masked
        return replace(state, tokens=tokens, committed=committed, noise_level=t), fresh.clean
