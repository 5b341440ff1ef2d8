"""The likelihood of a completion: a Monte-Carlo estimate of a bound on it."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

import torch
from torch import Tensor

from adaptive_diffusion.core.denoiser import Denoiser
from adaptive_diffusion.core.query import Queries
from adaptive_diffusion.core.rule import open_share
from adaptive_diffusion.core.state import SamplerState
from adaptive_diffusion.sampling.predict import FORMED, PACK
from adaptive_diffusion.sampling.sampler import Sampler


@dataclass(frozen=True)
class CompletionBounds:
    """Estimated bounds on the negative log-likelihood of N completions.

    Attributes:
        nats: [N] float64, estimates of the bound on −log p(completion | rest); infinity for a faulty row.
        faults: reasons of faulty rows, by row.
    """

    nats: Tensor
    faults: Mapping[int, str] = field(default_factory=dict)


@torch.inference_mode()
def completion_bound(
    denoiser: Denoiser, queries: Queries, draws: int = 128, seed: int = 0, slots: int = 32
) -> CompletionBounds:
    """Unbiased estimates of a bound −log p(completion | rest) ≤ E[…] from `draws` forwards for each query; the editable
    positions of `queries` are the completion, and hold its tokens.

    k of the l positions are masked, k evenly spread over 1…l: (l/k)·Σ −log p at the masked ones (Nie et al. 2025,
    LLaDA, arXiv 2502.09992, eq. 6; of less variance than masking each with probability t).

    A row whose prediction is not a number, or for which the denoiser raises, is faulty; the others are as without it.

    Raises:
        ValueError: draws or slots below 1, or a denoiser trained under another noise than masks.
        Exception: what the denoiser raises, where it raises for every row.
    """
    if denoiser.corruption.kind != "absorbing":
        raise ValueError("likelihoods of completions are estimated under masks; this denoiser is under uniform noise")
    if draws < 1 or slots < 1:
        raise ValueError(f"draws={draws} and slots={slots} must be at least 1")
    nats = torch.full((len(queries),), math.inf, dtype=torch.float64)
    errors: dict[int, Exception] = {}

    def estimate(rows: Tensor) -> Tensor:
        return _estimate(denoiser, queries.take(rows.to(queries.ids.device)), draws, seed).cpu()

    for rows in torch.arange(len(queries)).split(slots):
        _isolating(estimate, rows, nats, errors)
    if errors and len(errors) == len(queries):
        raise errors[0]
    faults = {row: str(error) or type(error).__name__ for row, error in errors.items()}
    faults |= dict.fromkeys(nats.isnan().nonzero()[:, 0].tolist(), "its predicted probabilities are not numbers")
    return CompletionBounds(nats.nan_to_num(nan=math.inf, posinf=math.inf), faults)


def _isolating(estimate: Callable[[Tensor], Tensor], rows: Tensor, nats: Tensor, errors: dict[int, Exception]) -> None:
    """Fills in `nats` at `rows`; rows that raise are found by halving."""
    try:
        nats[rows] = estimate(rows)
    except (MemoryError, torch.OutOfMemoryError):
        raise
    except Exception as error:
        if len(rows) == 1:
            errors[int(rows)] = error
            return
        for half in rows.tensor_split(2):
            _isolating(estimate, half, nats, errors)


def _estimate(denoiser: Denoiser, queries: Queries, draws: int, seed: int) -> Tensor:
    """[B] means over `draws`."""
    sampler, total = Sampler(denoiser), torch.zeros(len(queries), dtype=torch.float64, device=queries.ids.device)
    for draw in range(draws):
        state = sampler.begin(queries, torch.full_like(queries.ids, draw), seed)
        spread = (draw + state.noise.once_a_query("spread")) / draws
        total += _masked(denoiser, state, queries.tokens, spread)
    return total / draws


def _masked(denoiser: Denoiser, state: SamplerState, clean: Tensor, spread: Tensor) -> Tensor:
    """[B] (l/k)·Σ −log p over k = 1 + ⌊spread·l⌋ masked positions; 0 for a row without one."""
    length = state.editable.sum(1)
    count = 1 + (spread * length).long().minimum((length - 1).clamp(min=0))
    chance = state.noise.everywhere("which", clean.shape[1]).masked_fill(~state.editable, math.inf)
    hidden = chance.argsort(1).argsort(1) < count[:, None]
    tokens = torch.where(hidden, state.tokens, clean)  # at the start every editable position holds the mask
    level = open_share(replace(state, eligible=state.editable), count)
    seen = replace(state, tokens=tokens, committed=state.editable & ~hidden, noise_level=level)
    at = hidden.flatten().nonzero()[:, 0]
    loss = _losses(denoiser, denoiser.evaluate(seen).hidden.flatten(0, 1), clean.flatten(), at)
    summed = loss.new_zeros(len(clean)).index_add(0, at // clean.shape[1], loss)
    return summed * length / count


def _losses(denoiser: Denoiser, hidden: Tensor, clean: Tensor, at: Tensor) -> Tensor:
    """[P] float64, −log p of the clean tokens at packed positions `at` [P]. Packed rows come in multiples of `PACK`, so
    that no loss depends on how many others there are, and a chunk at a time."""
    padded = torch.cat([at, at.new_zeros(-len(at) % PACK)])
    tall = max(PACK, FORMED // denoiser.vocabulary // PACK * PACK)
    losses = [
        -denoiser.logits(hidden[part]).log_softmax(-1).gather(-1, clean[part][:, None])[:, 0].double()
        for part in padded.split(tall)
    ]
    return torch.cat(losses)[: len(at)]
