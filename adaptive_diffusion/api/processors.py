"""Processors: changes of the logits before any rule reads them. `LogitProcessor` is the base of one of your own."""

from adaptive_diffusion.core.prediction import LogitProcessor
from adaptive_diffusion.rules.processor import LeaveOneOut, LinearTemperature, Suppress, Temperature, TopK, TopP

__all__ = ["LeaveOneOut", "LinearTemperature", "LogitProcessor", "Suppress", "Temperature", "TopK", "TopP"]
