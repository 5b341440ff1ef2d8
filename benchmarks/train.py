"""A training step against the full-logit way: logits of all positions, log-softmax, and the loss where masked."""

from collections.abc import Iterator
from dataclasses import replace
from statistics import median
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from adaptive_diffusion.core.loss_inputs import LossInputs
from adaptive_diffusion.core.query import Queries
from adaptive_diffusion.models.heads import DenoiserWithHeads
from adaptive_diffusion.models.positions import LearnedPositions
from adaptive_diffusion.models.transformer import TransformerDenoiser
from adaptive_diffusion.objectives.denoising import Denoising
from adaptive_diffusion.sampling.sampler import Sampler
from benchmarks.interleaved import race, ratio

LENGTH, WIDTH, DEPTH, HEADS = 64, 384, 3, 6
ROWS = {10: 16, 256: 16, 32_000: 16, 128_000: 8}


def measure(quick: bool) -> Iterator[dict[str, Any]]:
    """Rows `train/VOCABULARY`; `ratio` is the full-logit way's time over ours, forward, backward and optimiser included
    on both sides, half of the tokens masked."""
    for vocabulary, rows in ROWS.items():
        if not (quick and vocabulary > 32_000):
            yield compared(vocabulary, rows, repeats=3 if quick else 7)


def compared(vocabulary: int, rows: int, repeats: int) -> dict[str, Any]:
    """The row of a vocabulary. Raises where loss or gradients differ by more than 1e-5."""
    torch.manual_seed(0)
    denoiser = TransformerDenoiser(vocabulary, LearnedPositions([[i] for i in range(LENGTH)]), WIDTH, DEPTH, HEADS)
    model = DenoiserWithHeads(denoiser)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-4, fused=True)
    clean = torch.randint(vocabulary, (rows, LENGTH))
    masked = torch.rand(rows, LENGTH).argsort(1).argsort(1) < LENGTH // 2
    queries = Queries.of(clean, torch.ones(rows, LENGTH))
    state = Sampler(model).begin(queries, torch.zeros(rows, dtype=torch.int64), seed=0)
    state = replace(state, tokens=torch.where(masked, vocabulary, clean), committed=~masked)
    objective = Denoising(committed=0)

    def our_loss(hidden: Tensor) -> Tensor:
        return objective(LossInputs(model, state, clean, hidden))["denoising"]

    def their_loss(hidden: Tensor) -> Tensor:
        output = F.log_softmax(denoiser.logits(hidden), dim=-1)
        return -(output.gather(-1, clean[..., None])[..., 0] * masked).sum() / masked.sum()

    def gradients(loss: Any) -> tuple[Tensor, list[Tensor]]:
        optimizer.zero_grad()
        value = loss(denoiser.hidden(state.tokens, state.status, state.noise_level))
        value.backward()
        return value.detach(), [parameter.grad for parameter in model.parameters() if parameter.grad is not None]

    def step(loss: Any) -> None:
        gradients(loss)
        optimizer.step()

    (ours, mine), (theirs, other) = gradients(our_loss), gradients(their_loss)
    apart = max(float((one - two).abs().max()) for one, two in zip(mine, other, strict=True))
    if abs(ours - theirs) > 1e-5 * theirs or apart > 1e-5:
        raise AssertionError(f"losses {ours} and {theirs}, gradients apart by {apart}")
    our, their = race(lambda: step(our_loss), lambda: step(their_loss), repeats)
    return {
        "name": f"train/{vocabulary}",
        "vocab": vocabulary,
        **ratio(their, our),
        "our_milliseconds": 1e3 * median(our.wall),
        "their_milliseconds": 1e3 * median(their.wall),
        "gradients_apart": apart,
        "rows": rows,
        "length": LENGTH,
        "width": WIDTH,
        "parameters": sum(parameter.numel() for parameter in model.parameters()),
        "repeats": repeats,
    }
