"""Low-rank adapters in a borrowed model (Hu et al. 2021, LoRA, arXiv 2106.09685), by `peft`."""

from collections.abc import Mapping
from typing import Any

from torch import nn

from adaptive_diffusion.models.pretrained.loading import extra


def add_adapters(model: nn.Module, settings: Mapping[str, Any]) -> frozenset[str]:
    """Puts float32 adapters into `model` and returns the names of their parameters, beginning with `backbone`. Class
    and predictions of the model stay as they were, since adapters begin at 0.

    Raises:
        ValueError: settings that `peft.LoraConfig` does not have, or targets that the model does not have.
        ModuleNotFoundError: without the extra `pretrained`.
    """
    peft = extra("peft")
    model.requires_grad_(False)
    try:
        peft.inject_adapter_in_model(peft.LoraConfig(**settings), model)
    except TypeError as error:
        raise ValueError(f"lora={dict(settings)}: {error}") from error
    learning = {name: value for name, value in model.named_parameters() if value.requires_grad}
    for value in learning.values():
        value.data = value.data.float()  # in bfloat16 small steps would be lost
    return frozenset(f"backbone.{name}" for name in learning)
