"""Variations: several answers to one query."""

import warnings

from adaptive_diffusion.sampling.restart import Restart
from adaptive_diffusion.sampling.sampler import Sampler


def draws(sampler: Sampler | Restart) -> bool:
    """Whether a sampler draws anything: otherwise all variations of an answer are the same."""
    one = sampler.one_try
    return any(rule.draws for rule in one.rules) or one.denoiser.corruption.kind == "uniform"


def warn_of_equal_variations(sampler: Sampler | Restart, name: str, n: int) -> None:
    """Warns that `n` equal variations come of a sampler that draws nothing; `name` is how it was asked for.

    Warns:
        UserWarning: more than one variation, and a sampler that draws nothing.
    """
    if n > 1 and not draws(sampler):
        warnings.warn(
            f"all {n} variations are the same, because the sampler {name!r} draws nothing; use one that draws: "
            "--sampler mdlm",
            stacklevel=3,
        )
