"""Which tokens are noise: the loss of a planner."""

from dataclasses import dataclass

from torch import Tensor
from torch.nn import functional as F

from adaptive_diffusion.core.loss_inputs import LossInputs
from adaptive_diffusion.objectives.objective import Objective


@dataclass(frozen=True)
class NoiseDetection(Objective):
    """Binary cross-entropy on "this token is no noise" at all editable positions, by the quality head: the planner of
    DDPD (Liu et al. 2024, arXiv 2410.06264). On the training states of `ForwardProcess`, which mark noise; a noise
    token that happens to be the right one counts as noise, as in the paper.

    Raises:
        ValueError: a model without a quality head, or training states that do not mark noise.
    """

    weight: float = 1.0

    def head_names(self) -> tuple[str, ...]:
        return ("quality",)

    def __call__(self, inputs: LossInputs) -> dict[str, Tensor]:
        head = inputs.model.head("quality")
        if "noised" not in inputs.state.carry:
            raise ValueError(
                "NoiseDetection needs training states that mark noise; use training.forward_process.ForwardProcess"
            )
        where = inputs.state.editable
        clean = ~inputs.state.carry["noised"][where]
        logit = head(inputs.hidden[where])
        return {"noise_detection": self.weight * F.binary_cross_entropy_with_logits(logit, clean.float())}
