"""What a sampler takes from its model: the device it computes on, and its heads."""

from collections.abc import Mapping
from typing import Any, cast

import torch

from adaptive_diffusion.core.denoiser import Denoiser


def device_of(denoiser: Denoiser, otherwise: torch.device) -> torch.device:
    """The device of a denoiser's first parameter; `otherwise` where it has none."""
    return next((parameter.device for parameter in denoiser.parameters()), otherwise)


def heads_of(denoiser: Denoiser) -> Mapping[str, Any]:
    """The heads of a model.

    Raises:
        ValueError: a denoiser that has none because it is not wrapped.
    """
    try:
        return cast(Any, denoiser).heads
    except AttributeError as error:
        raise ValueError(
            f"a rule needs a head, but {type(denoiser).__name__} carries none; wrap it: "
            "DenoiserWithHeads(denoiser, heads={...})"
        ) from error
