"""The parts of a model that a config or an export describes."""

from torch import nn

from adaptive_diffusion.models.heads import DenoiserWithHeads
from adaptive_diffusion.models.pretrained.denoiser import PretrainedDenoiser


def with_heads(model: nn.Module) -> DenoiserWithHeads:
    """The model itself where it has a place for heads, otherwise the model with an empty place for them."""
    return model if isinstance(model, DenoiserWithHeads) else DenoiserWithHeads(model)


def pretrained_part(model: nn.Module) -> PretrainedDenoiser:
    """The pretrained denoiser inside a model.

    Raises:
        ValueError: a model without one.
    """
    found = next((module for module in model.modules() if isinstance(module, PretrainedDenoiser)), None)
    if found is None:
        raise ValueError(
            f"{type(model).__name__} holds no pretrained denoiser, so it has no tokenizer of transformers; take a "
            "config of configs/model whose denoiser is one of adaptive_diffusion.models.pretrained"
        )
    return found
