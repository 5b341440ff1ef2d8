"""A language model in two parts: the trunk, and the output layer that turns hidden states into logits."""

from typing import Any

import torch
from torch import Tensor, nn


def cut(model: Any) -> nn.Module:
    """Takes the output layer out of a `transformers` model, which from then on returns as `logits` the input of that
    layer, [B, L, D]: logits are formed later, and only where they are needed.

    Raises:
        ValueError: a model without an output layer, one that does more than apply it, or one whose logits are not
            numbers.
    """
    head: Any = model.get_output_embeddings()
    name = next((name for name, module in model.named_modules() if module is head), None)
    if name is None or not hasattr(head, "in_features"):
        raise ValueError(f"{type(model).__name__} has no linear output layer that could be separated from its trunk")
    probe = torch.zeros(1, 2, dtype=torch.int64, device=head.weight.device)
    parent, _, leaf = name.rpartition(".")
    with torch.no_grad():
        logits = model(input_ids=probe).logits
        if logits.isnan().any():
            raise ValueError(f"{type(model).__name__} predicts NaN for two tokens; try another dtype, or other weights")
        setattr(model.get_submodule(parent), leaf, nn.Identity())
        fits = _fits(model, probe, head, logits)
    if not fits:
        setattr(model.get_submodule(parent), leaf, head)
        raise ValueError(
            f"{type(model).__name__} changes its logits after the output layer {name!r}, so that they cannot be formed "
            "from hidden states; write an adapter for it, as DiffusionGemma has one"
        )
    return head


def _fits(model: Any, probe: Tensor, head: Any, logits: Tensor) -> bool:
    """Whether the output layer makes the model's own logits of what the model returns without it."""
    try:
        hidden: Tensor = model(input_ids=probe).logits
    except RuntimeError:  # something of the size of the vocabulary was added to hidden states
        return False
    return hidden.shape[-1] == head.in_features and torch.allclose(head(hidden), logits, rtol=1e-3, atol=1e-3)
