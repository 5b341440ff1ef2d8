"""The sampling loop: `sampler` has the settings, `slots` batches queries, `step` is one iteration, `result` holds the
answers."""

from adaptive_diffusion.sampling.result import SampleResult
from adaptive_diffusion.sampling.sampler import Sampler

__all__ = ["SampleResult", "Sampler"]
