"""Floor 2: the one loop. `sampler` asks, `slots` seats a query, `step` moves it on, `result` hands it back."""

from adaptive_diffusion.sampling.result import SampleResult
from adaptive_diffusion.sampling.sampler import Sampler

__all__ = ["SampleResult", "Sampler"]
