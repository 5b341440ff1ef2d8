"""From hidden states to the summaries that parts read: logits only where asked, a chunk at a time."""

from collections.abc import Sequence

import torch
from torch import Tensor

from adaptive_diffusion.core.prediction import Denoiser, Evaluation, LogitProcessor, Logits, Prediction, Reading
from adaptive_diffusion.core.state import SamplerState

PACK = 32
"""Packed rows come in multiples of this: a matrix product over fewer than about 17 rows takes another kernel and
differs in the last bit, and then a query's answer would depend on how many of its neighbours are open."""

FORMED = 1 << 25
"""Logits formed at once (rows × vocabulary), 128 MB: matrix products want many rows (docs/performance.md)."""

REDUCED = 1 << 21
"""Logits reduced at once: the passes over them, and what they write, want to stay in cache."""


def read(
    denoiser: Denoiser,
    evaluation: Evaluation,
    state: SamplerState,
    readings: Sequence[Reading],
    where: Tensor,
    processors: Sequence[LogitProcessor] = (),
) -> Prediction:
    """The readings at `where` [B, L] bool, as a `Prediction`; logits are formed nowhere else."""
    batch, length = where.shape
    flat = where.flatten().nonzero()[:, 0]
    padded = torch.cat([flat, flat.new_zeros(-len(flat) % PACK)])
    hidden = evaluation.hidden.flatten(0, 1)
    tall, short = (max(PACK, size // denoiser.vocabulary // PACK * PACK) for size in (FORMED, REDUCED))
    parts: dict[str, list[Tensor]] = {}
    for formed in padded.split(tall):
        logits = denoiser.logits(hidden.index_select(0, formed))
        for packed, values in zip(formed.split(short), logits.split(short), strict=True):
            rows, positions = packed // length, packed % length
            for processor in processors:
                values = processor(values, state, rows, positions)
            reduced = Logits(values, state, rows, positions)
            for reading in readings:
                for name, value in reading(reduced).items():
                    parts.setdefault(name, []).append(value)
    summaries = dict(evaluation.summaries)
    for name, values in parts.items():
        whole = torch.cat(values)[: len(flat)]
        summaries[name] = (
            whole.new_zeros(batch * length, *whole.shape[1:]).index_copy_(0, flat, whole).unflatten(0, (batch, length))
        )
    return Prediction(evaluation, summaries, where)
