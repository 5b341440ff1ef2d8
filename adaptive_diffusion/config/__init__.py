"""Configs: composed by Hydra, checked against an allow-list, turned into parts.

Configs come from strangers too (an experiment file, the one inside a checkpoint), so nothing here runs code that a
config names before every ``_target_`` in it has been found to be a part of this package or of an allowed module.
"""

from adaptive_diffusion.config.composition import choices, compose, compose_part
from adaptive_diffusion.config.instantiation import check, instantiate, instantiate_outer
from adaptive_diffusion.config.resolution import differences, digest, resolve

__all__ = [
    "check",
    "choices",
    "compose",
    "compose_part",
    "differences",
    "digest",
    "instantiate",
    "instantiate_outer",
    "resolve",
]
