"""Countdown: problems in splits that share none, an exact solver, readers and a verifier."""

from adaptive_diffusion.tasks.countdown.data import CountdownData
from adaptive_diffusion.tasks.countdown.problems import CountdownProblems, Limits
from adaptive_diffusion.tasks.countdown.task import CountdownTask

__all__ = ["CountdownData", "CountdownProblems", "CountdownTask", "Limits"]
