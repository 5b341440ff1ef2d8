"""Scaled-dot-product attention, by the kernel that is quick where it runs."""

import torch
from torch import Tensor
from torch.nn import functional as F


def attention(
    query: Tensor, key: Tensor, value: Tensor, attend: Tensor | None = None, bias: Tensor | None = None
) -> Tensor:
    """softmax(QKᵀ/√d + bias)·V for [B, H, L, d] inputs; `attend` bool (which keys are seen) and `bias` float broadcast
    to [B, H, L, L]."""
    # The fused CPU kernel's bfloat16 backward takes about ten times its forward, and it has none for a bias; written
    # out, the compiler fuses the same mathematics and a training step is faster (docs/performance.md).
    if query.device.type == "cpu" and torch.is_grad_enabled() and (query.dtype == torch.bfloat16 or bias is not None):
        score = query @ key.transpose(-2, -1) * query.shape[-1] ** -0.5
        score = score if bias is None else score + bias
        score = score if attend is None else score.masked_fill(~attend, float("-inf"))
        return score.float().softmax(-1).to(value.dtype) @ value
    return F.scaled_dot_product_attention(query, key, value, attn_mask=_mask(attend, bias, query.dtype))


def _mask(attend: Tensor | None, bias: Tensor | None, dtype: torch.dtype) -> Tensor | None:
    if bias is None:
        return attend
    bias = bias.to(dtype)
    bias = bias[None] if bias.ndim == 3 else bias  # the kernels want four dimensions
    return bias if attend is None else bias.masked_fill(~attend, float("-inf"))
