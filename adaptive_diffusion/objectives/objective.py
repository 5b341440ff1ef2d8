"""What an objective looks at: training_states, the truth, one forward over them, and what a sampler made of it."""

from abc import ABC, abstractmethod
from dataclasses import dataclass

from torch import Tensor

from adaptive_diffusion.core.prediction import Prediction
from adaptive_diffusion.core.state import Decision, SamplerState
from adaptive_diffusion.models.heads import DenoiserWithHeads


@dataclass(frozen=True)
class Outcome:
    """What a sampler made of a forward: the prediction, the decision, and the answer [B, L] if it stopped now."""

    prediction: Prediction
    decision: Decision
    answer: Tensor


@dataclass(frozen=True)
class LossInputs:
    """Attributes:
    model: the denoiser and its heads.
    state: the sequences [B, L] that were forwarded.
    clean: [B, L] int64, the truth.
    hidden: [B, L, D] with gradient where the trunk trains.
    outcome: what the sampler made of this forward; None for sequences that no sampler drives.
    """

    model: DenoiserWithHeads
    state: SamplerState
    clean: Tensor
    hidden: Tensor
    outcome: Outcome | None = None


class Objective(ABC):
    """A loss over a inputs. It is a value: its weight and what it detaches are its fields."""

    @abstractmethod
    def __call__(self, inputs: LossInputs) -> dict[str, Tensor]:
        """Named scalar losses, already weighted; empty where the inputs has nothing for it."""
