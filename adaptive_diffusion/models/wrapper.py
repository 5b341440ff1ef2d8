"""A denoiser around a denoiser."""

from typing import Any

from torch import Tensor, nn

from adaptive_diffusion.core.corruption import Corruption
from adaptive_diffusion.core.denoiser import Evaluation
from adaptive_diffusion.core.rule import Memory
from adaptive_diffusion.core.state import SamplerState


class Delegating(nn.Module):
    """Passes every attribute and method of the denoiser protocol on to an inner denoiser; subclasses change some of
    them."""

    def __init__(self, denoiser: nn.Module):
        super().__init__()
        self.denoiser: Any = denoiser

    @property
    def corruption(self) -> Corruption:
        """The noise the sampler's sequences are under."""
        return self.denoiser.corruption

    @property
    def vocabulary(self) -> int:
        """K, the number of clean tokens."""
        return self.denoiser.vocabulary

    @property
    def width(self) -> int:
        """D, the width of the hidden states."""
        return self.denoiser.width

    @property
    def memory(self) -> Memory | None:
        """What samplers carry for the denoiser from one step to the next."""
        return self.denoiser.memory

    @property
    def time_invariant(self) -> bool:
        """Whether an evaluation is a function of tokens and status alone."""
        return self.denoiser.time_invariant

    @property
    def computes_all_blocks(self) -> bool:
        """Whether an evaluation has hidden states in all blocks."""
        return self.denoiser.computes_all_blocks

    def evaluate(self, state: SamplerState) -> Evaluation:
        """The denoiser's evaluation."""
        return self.denoiser.evaluate(state)

    def logits(self, hidden: Tensor) -> Tensor:
        """The denoiser's own logits."""
        return self.denoiser.logits(hidden)


class DenoiserWrapper(Delegating):
    """Adds something to the evaluations of a model; its heads stay those of the model.

    An unchanged sequence is computed again: what wrappers add depends on the block (a window, shadows) or is drawn anew
    in every step (a planner's view). One that depends on tokens and status alone may set `time_invariant`.
    """

    @property
    def time_invariant(self) -> bool:
        """False."""
        return False

    @property
    def heads(self) -> Any:
        """The model's heads."""
        return self.denoiser.heads
