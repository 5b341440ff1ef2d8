"""Samplers whose denoiser is seen through a view, such as a verifier or a planner."""

from collections.abc import Callable

from adaptive_diffusion.core.denoiser import Denoiser
from adaptive_diffusion.sampling.sampler import Sampler


def wrapped_sampler(
    denoiser: Denoiser, view: Callable[[Denoiser], Denoiser], sampler: Callable[[Denoiser], Sampler]
) -> Sampler:
    """`sampler` on `view(denoiser)`: how a config asks for a denoiser that is wrapped."""
    return sampler(view(denoiser))
