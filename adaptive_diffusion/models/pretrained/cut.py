"""A language model in two parts: the trunk, and the output layer that turns hidden states into logits."""

from typing import Any

import torch
from torch import Tensor, nn


def cut(model: Any) -> nn.Module:
    """Takes the output layer out of a `transformers` model, which from then on returns as `logits` what that layer
    would have been given, [B, L, D]: so logits are formed later, and only where somebody asks.

    Raises:
        ValueError: a model without an output layer, or one that does more than apply it.
    """
    head: Any = model.get_output_embeddings()
    name = next((name for name, module in model.named_modules() if module is head), None)
    if name is None or not hasattr(head, "in_features"):
        raise ValueError(f"{type(model).__name__} has no linear output layer that could be separated from its trunk")
    probe = torch.zeros(1, 2, dtype=torch.int64, device=head.weight.device)
    parent, _, leaf = name.rpartition(".")
    with torch.no_grad():
        whole = model(input_ids=probe).logits
        setattr(model.get_submodule(parent), leaf, nn.Identity())
        fits = _fits(model, probe, head, whole)
    if not fits:
        setattr(model.get_submodule(parent), leaf, head)
        raise ValueError(
            f"{type(model).__name__} changes its logits after the output layer {name!r}, so that they cannot be formed "
            "from hidden states; write an adapter of its own, as DiffusionGemma's"
        )
    return head


def _fits(model: Any, probe: Tensor, head: Any, whole: Tensor) -> bool:
    """Whether the output layer makes the model's own logits of what the model returns without it."""
    try:
        hidden: Tensor = model(input_ids=probe).logits
    except RuntimeError:  # something of the size of the vocabulary was added to hidden states
        return False
    return hidden.shape[-1] == head.in_features and torch.allclose(head(hidden), whole, rtol=1e-3, atol=1e-3)
