"""Floor 2: the one loop. Follow a query: `sampler` asks, `slots` seats it, `step` moves it on, `result` hands it back."""

from adaptive_diffusion.sampling.result import SampleResult
from adaptive_diffusion.sampling.sampler import Sampler

__all__ = ["SampleResult", "Sampler"]
