"""A denoiser around a denoiser."""

from torch import Tensor, nn

from adaptive_diffusion.core.corruption import Corruption
from adaptive_diffusion.core.prediction import Evaluation
from adaptive_diffusion.core.rule import Rule
from adaptive_diffusion.core.state import SamplerState


class DenoiserWrapper(nn.Module):
    """A denoiser with something added to its evaluations; all else is the denoiser's."""

    def __init__(self, denoiser: nn.Module):
        super().__init__()
        self.denoiser = denoiser

    @property
    def corruption(self) -> Corruption:
        """The noise the sampler's sequences are under."""
        return self.denoiser.corruption  # type: ignore[return-value]

    @property
    def vocabulary(self) -> int:
        """K, the number of clean tokens."""
        return self.denoiser.vocabulary  # type: ignore[return-value]

    @property
    def memory(self) -> Rule | None:
        """What the denoiser's samplers must hand from one step to the next."""
        return getattr(self.denoiser, "memory", None)

    def evaluate(self, state: SamplerState) -> Evaluation:
        """The denoiser's evaluation."""
        return self.denoiser.evaluate(state)  # type: ignore[operator]

    def logits(self, hidden: Tensor) -> Tensor:
        """The denoiser's own logits."""
        return self.denoiser.logits(hidden)  # type: ignore[operator]
