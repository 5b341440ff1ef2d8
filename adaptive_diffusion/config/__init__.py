"""Configs: composed by Hydra, checked against an allow-list, turned into parts.

A config may be untrusted (an experiment file, the one inside a checkpoint), so nothing here runs code that a config
names before every ``_target_`` in it has been found to be a part of this package or of an allowed module.
"""

from adaptive_diffusion.config.composition import compose, compose_part
from adaptive_diffusion.config.instantiation import check, instantiate, instantiate_outer
from adaptive_diffusion.config.resolution import differences, digest, resolve
from adaptive_diffusion.config.sampler_spec import NamedSampler, named_sampler, named_samplers
from adaptive_diffusion.config.search import ConfigSearch, choices

__all__ = [
    "ConfigSearch",
    "NamedSampler",
    "check",
    "choices",
    "compose",
    "compose_part",
    "differences",
    "digest",
    "instantiate",
    "instantiate_outer",
    "named_sampler",
    "named_samplers",
    "resolve",
]
