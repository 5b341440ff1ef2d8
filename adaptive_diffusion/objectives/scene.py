"""What an objective looks at: canvases, the truth, one forward over them, and the step it led to if they are live."""

from abc import ABC, abstractmethod
from dataclasses import dataclass

from torch import Tensor

from adaptive_diffusion.core.state import SamplerState
from adaptive_diffusion.models.heads import DenoiserWithHeads
from adaptive_diffusion.sampling.step import Step


@dataclass(frozen=True)
class Scene:
    """Attributes:
    model: the denoiser and its heads.
    state: the canvases [B, L] that were forwarded.
    clean: [B, L] int64, the truth.
    hidden: [B, L, D] with gradient where the trunk trains.
    step: what the sampler made of this forward; None for canvases that no sampler drives.
    """

    model: DenoiserWithHeads
    state: SamplerState
    clean: Tensor
    hidden: Tensor
    step: Step | None = None


class Objective(ABC):
    """A loss over a scene. It is a value: its weight and what it detaches are its fields."""

    @abstractmethod
    def __call__(self, scene: Scene) -> dict[str, Tensor]:
        """Named scalar losses, already weighted; empty where the scene has nothing for it."""
