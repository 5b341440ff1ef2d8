"""How probable a completion is: a Monte-Carlo estimate of the bound on its likelihood."""

import math
from dataclasses import replace

import torch
from torch import Tensor

from adaptive_diffusion.core.prediction import Denoiser
from adaptive_diffusion.core.query import Queries
from adaptive_diffusion.core.state import SamplerState
from adaptive_diffusion.sampling.sampler import Sampler


@torch.inference_mode()
def completion_bound(denoiser: Denoiser, queries: Queries, draws: int = 128, seed: int = 0, slots: int = 32) -> Tensor:
    """[N] nats, an unbiased estimate of a bound −log p(completion | rest) ≤ E[…] from `draws` forwards a query; what is
    editable in `queries` is the completion, with the true tokens in it.

    k of the l positions are masked, k evenly spread over 1…l: (l/k)·Σ −log p at the masked ones (Nie et al. 2025,
    LLaDA, arXiv 2502.09992, eq. 6; of less variance than masking each with probability t).

    Raises:
        ValueError: draws or slots below 1, or a denoiser trained under another noise than masks.
    """
    if denoiser.corruption.kind != "absorbing":
        raise ValueError("likelihoods of completions are estimated under masks; this denoiser is under uniform noise")
    if draws < 1 or slots < 1:
        raise ValueError(f"draws={draws} and slots={slots} must be at least 1")
    sampler, total = Sampler(denoiser), torch.zeros(len(queries), dtype=torch.float64)
    for first in range(0, len(queries), slots):
        some = queries.take(slice(first, first + slots))
        for draw in range(draws):
            state = sampler.begin(some, torch.full_like(some.ids, draw), seed)
            spread = (draw + state.noise.once_a_query("spread")) / draws
            total[first : first + slots] += _masked(denoiser, state, some.tokens, spread).cpu()
    return total / draws


def _masked(denoiser: Denoiser, state: SamplerState, clean: Tensor, spread: Tensor) -> Tensor:
    """[B] (l/k)·Σ −log p over k = 1 + ⌊spread·l⌋ masked positions."""
    length = state.editable.sum(1)
    count = 1 + (spread * length).long().clamp(max=length - 1)
    chance = state.noise.everywhere("which", clean.shape[1]).masked_fill(~state.editable, math.inf)
    hidden = chance.argsort(1).argsort(1) < count[:, None]
    tokens = torch.where(hidden, state.tokens, clean)  # at the start every editable position holds the mask
    seen = replace(state, tokens=tokens, committed=state.editable & ~hidden, noise_level=count / length)
    logits = denoiser.logits(denoiser.evaluate(seen).hidden[hidden])
    loss = -logits.log_softmax(-1).gather(-1, clean[hidden][:, None])[:, 0].double()
    summed = loss.new_zeros(len(clean)).index_add(0, hidden.nonzero()[:, 0], loss)
    return summed * length / count
