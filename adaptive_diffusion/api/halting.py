"""Halting: is this query finished? `Halting` is the base of a rule of your own."""

from adaptive_diffusion.core.rule import Halting
from adaptive_diffusion.core.state import HaltDecision
from adaptive_diffusion.rules.calibrated import CalibratedParameter
from adaptive_diffusion.rules.controls import HindsightOracle, RandomHalting
from adaptive_diffusion.rules.gain import LikelihoodGain
from adaptive_diffusion.rules.halting import (
    AllCommitted,
    AnswerProbability,
    MaxSteps,
    Prophet,
    RunToCompletion,
    Sched,
    StableAndConfident,
)
from adaptive_diffusion.rules.learned_halting import CostAware, HeadHalting, LearnedHalting, QHalting, SampledHalting

__all__ = [
    "AllCommitted",
    "AnswerProbability",
    "CalibratedParameter",
    "CostAware",
    "HaltDecision",
    "Halting",
    "HeadHalting",
    "HindsightOracle",
    "LearnedHalting",
    "LikelihoodGain",
    "MaxSteps",
    "Prophet",
    "QHalting",
    "RandomHalting",
    "RunToCompletion",
    "SampledHalting",
    "Sched",
    "StableAndConfident",
]
