"""Unmasking pace: how many positions now? `UnmaskingPace` is the base of a rule of your own."""

from adaptive_diffusion.core.rule import UnmaskingPace
from adaptive_diffusion.rules.adaptive import EntropyBound, Factor, Quota
from adaptive_diffusion.rules.klass import StableOrQuota
from adaptive_diffusion.rules.pace import (
    Ancestral,
    CosineSteps,
    FirstHitting,
    FixedCount,
    FixedSteps,
    ProportionalSteps,
    RandomThreshold,
    Threshold,
)
from adaptive_diffusion.rules.remdm import AncestralLoop

__all__ = [
    "Ancestral",
    "AncestralLoop",
    "CosineSteps",
    "EntropyBound",
    "Factor",
    "FirstHitting",
    "FixedCount",
    "FixedSteps",
    "ProportionalSteps",
    "Quota",
    "RandomThreshold",
    "StableOrQuota",
    "Threshold",
    "UnmaskingPace",
]
