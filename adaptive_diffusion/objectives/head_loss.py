"""The loss that a head declares."""

from dataclasses import dataclass, replace

from torch import Tensor

from adaptive_diffusion.core.loss_inputs import LossInputs
from adaptive_diffusion.objectives.objective import Objective


@dataclass(frozen=True)
class HeadLoss(Objective):
    """`weight` times the loss of the model's head of that name (`Head.loss`).

    Attributes:
        head: the name of the head, such as "quality" or "halting".
        weight: factor of the loss.
        detach: keep the head's gradient out of the trunk; a head trained jointly can hurt the denoiser.

    Raises:
        ValueError: a model without that head.
    """

    head: str
    weight: float = 1.0
    detach: bool = True

    def head_names(self) -> tuple[str, ...]:
        return (self.head,)

    def __call__(self, inputs: LossInputs) -> dict[str, Tensor]:
        seen = replace(inputs, hidden=inputs.hidden.detach()) if self.detach else inputs
        loss = inputs.model.head(self.head).loss(seen)
        return {} if loss is None else {self.head: self.weight * loss}
