"""What an objective is."""

from abc import ABC, abstractmethod

from torch import Tensor

from adaptive_diffusion.core.loss_inputs import LossInputs


class Objective(ABC):
    """A loss over training states. It is an immutable value: its weight and what it detaches are its fields."""

    def head_names(self) -> tuple[str, ...]:
        """The names of the model's heads that it trains; a model without them is refused before the training."""
        return ()

    @abstractmethod
    def __call__(self, inputs: LossInputs) -> dict[str, Tensor]:
        """Named scalar losses, already weighted; empty where the inputs hold nothing to learn from."""
