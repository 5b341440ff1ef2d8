"""Training sequences by the corruption of the denoiser itself."""

from dataclasses import replace

import torch
from torch import Tensor

from adaptive_diffusion.core.batch import Batch
from adaptive_diffusion.core.state import SamplerState
from adaptive_diffusion.models.heads import DenoiserWithHeads
from adaptive_diffusion.sampling.sampler import Sampler
from adaptive_diffusion.training.time_sampling import LowDiscrepancy, TimeSampling
from adaptive_diffusion.training.training_states import TrainingStates


class ForwardProcess(TrainingStates):
    """x_t ~ q(x_t | x_0): what the likelihood bound is taken over, for any corruption. Where noise is a mask, all else
    counts as committed; where it looks like a token, nothing does. The carry `noised` [B, L] bool marks what is
    noise.

    Args:
        rows: sequences a batch.
        least: the smallest t, where the bound's rates would grow without limit.
        time_sampling: how the noise levels of a batch are drawn; by default `LowDiscrepancy`, which spaces them evenly.
    """

    def __init__(self, rows: int, least: float = 1e-3, time_sampling: TimeSampling | None = None):
        self.rows, self.least = rows, least
        self.time_sampling = time_sampling or LowDiscrepancy()

    def begin(self, model: DenoiserWithHeads, batch: Batch, seed: int) -> tuple[SamplerState, Batch]:
        state = Sampler(model).begin(batch.queries, torch.zeros_like(batch.queries.ids), seed)
        noise, length = state.noise, state.tokens.shape[1]
        t = self.least + (1 - self.least) * self.time_sampling(noise.once_a_query("t"))
        corruption, survival = state.corruption, noise.everywhere("mask", length)

        def other() -> Tensor:
            return noise.everywhere("other", length)

        tokens, noised = corruption.corrupt(batch.clean, state.editable, t, survival, other)
        tokens = torch.where(state.editable, tokens, state.tokens)
        masked = corruption.kind == "absorbing"
        committed = state.editable & (tokens != corruption.noise(tokens, other)) & masked
        carry = {**state.carry, "noised": noised}
        return replace(state, tokens=tokens, committed=committed, noise_level=t, carry=carry), batch
