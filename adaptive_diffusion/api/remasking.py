"""Remasking: which committed tokens are taken back? `Remasking` is the base of a rule of your own."""

from adaptive_diffusion.core.rule import Remasking, Revision
from adaptive_diffusion.rules.remasking import (
    BeginAnew,
    BeginAnewIfDoubted,
    LeastConfidentSpan,
    LowProbability,
    LowQuality,
    NoRemasking,
    RandomLowProbability,
)
from adaptive_diffusion.rules.remdm import ByConfidence, Cap, Rescale, WhileHeld

__all__ = [
    "BeginAnew",
    "BeginAnewIfDoubted",
    "ByConfidence",
    "Cap",
    "LeastConfidentSpan",
    "LowProbability",
    "LowQuality",
    "NoRemasking",
    "RandomLowProbability",
    "Remasking",
    "Rescale",
    "Revision",
    "WhileHeld",
]
