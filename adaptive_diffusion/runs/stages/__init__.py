"""The stages of an experiment: train, join, evaluate, likelihoods, report; record rollouts, fit halting, measure it."""

from adaptive_diffusion.runs.stages.evaluation import Evaluate
from adaptive_diffusion.runs.stages.halting_head import FitHalting, Record
from adaptive_diffusion.runs.stages.join import Join
from adaptive_diffusion.runs.stages.likelihood import BitsPerByte
from adaptive_diffusion.runs.stages.measure_halting import MeasureHalting
from adaptive_diffusion.runs.stages.report import Report
from adaptive_diffusion.runs.stages.training import Train

__all__ = ["BitsPerByte", "Evaluate", "FitHalting", "Join", "MeasureHalting", "Record", "Report", "Train"]
