"""From hidden states to the statistics that rules need: logits only where they are needed, a chunk at a time."""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from adaptive_diffusion.core.denoiser import Denoiser, Evaluation
from adaptive_diffusion.core.prediction import LogitProcessor, Logits, LogitStatistic, Prediction
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
    statistics: Sequence[LogitStatistic],
    where: Tensor,
    processors: Sequence[LogitProcessor] = (),
) -> Prediction:
    """The statistics at `where` [B, L] bool, as a `Prediction`; logits are formed nowhere else.

    Where the largest logit is not finite, or a head's summary is not a number, the row is faulty: zeros are read there
    instead, so that no rule meets what it was not written for.
    """
    batch, length = where.shape
    flat = where.flatten().nonzero()[:, 0]
    padded = torch.cat([flat, flat.new_zeros(-len(flat) % PACK)])
    hidden = evaluation.hidden.flatten(0, 1)
    usable: list[Tensor] = []
    tall, short = (max(PACK, size // denoiser.vocabulary // PACK * PACK) for size in (FORMED, REDUCED))
    parts: dict[str, list[Tensor]] = {}
    for formed in padded.split(tall):
        logits = denoiser.logits(hidden.index_select(0, formed))
        for packed, values in zip(formed.split(short), logits.split(short), strict=True):
            rows, positions, raw = packed // length, packed % length, values
            for processor in processors:
                values = processor(values, state, rows, positions)
            reduced = Logits(values, state, rows, positions, raw)
            usable.append(reduced.top[0][:, 0].isfinite())
            if not usable[-1].all():
                sound = usable[-1][:, None]
                reduced = Logits(values.where(sound, 0.0), state, rows, positions, raw.where(sound, 0.0))
            for statistic in statistics:
                for name, value in statistic(reduced).items():
                    parts.setdefault(name, []).append(value)
    summaries, faulty = _numbers(evaluation.summaries, where)
    wrong = flat[~torch.cat(usable)[: len(flat)]] if usable else flat
    faulty = faulty.index_fill(0, wrong // length, True)
    for name, values in parts.items():
        packed = torch.cat(values)[: len(flat)]
        summaries[name] = (
            packed.new_zeros(batch * length, *packed.shape[1:])
            .index_copy_(0, flat, packed)
            .unflatten(0, (batch, length))
        )
    return Prediction(evaluation, summaries, where, faulty)


def _numbers(summaries: Mapping[str, Tensor], where: Tensor) -> tuple[dict[str, Tensor], Tensor]:
    """The heads' summaries with 0 for what is not a number, and [B] which rows held such at `where`."""
    sound, faulty = dict(summaries), torch.zeros_like(where[:, 0])
    for name, value in summaries.items():
        if value.is_floating_point() and value.shape == where.shape and (wrong := value.isnan()).any():
            sound[name] = value.masked_fill(wrong, 0.0)
            faulty |= (wrong & where).any(1)
    return sound, faulty
