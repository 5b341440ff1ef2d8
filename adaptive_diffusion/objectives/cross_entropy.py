"""Cross-entropy over a large vocabulary, a chunk of positions at a time."""

from collections.abc import Callable, Sequence
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.nn import functional as F

CHUNK = 1 << 25
"""Logits held at once (positions × vocabulary), 128 MB in float32; a smaller problem is not split."""


def cross_entropy(
    logits: Callable[[Tensor], Tensor],
    parameters: Sequence[nn.Parameter],
    hidden: Tensor,
    clean: Tensor,
    weight: Tensor,
    vocabulary: int,
) -> Tensor:
    """Σ_i w_i·(−log p_i(x_i)) for hidden [P, D], clean [P] and weights [P] that need no gradient; a scalar.

    Where P·K logits would not fit a chunk, every chunk's gradient is taken as soon as its loss is known, so that no
    more than one chunk of logits ever exists and none is computed twice (as in Liger, Hsu et al. 2024, arXiv
    2410.10989). The gradients are those of the plain way but for the order of sums.

    Args:
        logits: [P, D] to [P, K].
        parameters: what `logits` may depend on.
        vocabulary: K.
    """
    height = max(1, CHUNK // vocabulary)
    if len(hidden) <= height:
        return weighted(logits(hidden), clean, weight)
    learning = [parameter for parameter in parameters if parameter.requires_grad]
    return cast(Tensor, _Chunked.apply(logits, height, clean, weight, hidden, *learning))


def weighted(logits: Tensor, clean: Tensor, weight: Tensor) -> Tensor:
    """Σ_i w_i·(−log p_i(x_i)) from logits [P, K]."""
    return (F.cross_entropy(logits, clean, reduction="none") * weight).sum()


class _Chunked(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, logits: Any, height: int, clean: Tensor, weight: Tensor, hidden: Tensor, *parameters: Tensor):
        total = torch.zeros((), device=hidden.device)
        by_hidden, by_parameter = torch.zeros_like(hidden), [None] * len(parameters)
        wanted = any(ctx.needs_input_grad)
        for rows in torch.arange(len(hidden), device=hidden.device).split(height):
            part = hidden[rows].requires_grad_(wanted)
            with torch.set_grad_enabled(wanted):
                loss = weighted(logits(part), clean[rows], weight[rows])
            total += loss.detach()
            if wanted:
                by_hidden[rows], *gradients = torch.autograd.grad(loss, (part, *parameters), allow_unused=True)
                by_parameter = [_sum(old, new) for old, new in zip(by_parameter, gradients, strict=True)]
        ctx.gradients = by_hidden, by_parameter
        return total

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, upstream: Tensor):
        by_hidden, by_parameter = ctx.gradients
        scaled = (None if gradient is None else gradient * upstream for gradient in by_parameter)
        return None, None, None, None, by_hidden * upstream, *scaled


def _sum(old: Tensor | None, new: Tensor | None) -> Tensor | None:
    return new if old is None else old if new is None else old.add_(new)
