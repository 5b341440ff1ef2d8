"""Unmasking order: which open positions first? `UnmaskingOrder` is the base of a rule of your own."""

from adaptive_diffusion.core.rule import UnmaskingOrder
from adaptive_diffusion.rules.klass import KLStability
from adaptive_diffusion.rules.order import Confidence, GumbelConfidence, LeftToRight, LowEntropy, Margin, Random

__all__ = [
    "Confidence",
    "GumbelConfidence",
    "KLStability",
    "LeftToRight",
    "LowEntropy",
    "Margin",
    "Random",
    "UnmaskingOrder",
]
