"""Tell noise from tokens."""

from dataclasses import dataclass

from torch import Tensor
from torch.nn import functional as F

from adaptive_diffusion.objectives.objective import LossInputs, Objective


@dataclass(frozen=True)
class Uncorrupted(Objective):
    """Binary cross-entropy on "this token is no noise" at all editable positions, by the quality head: the planner of
    DDPD (Liu et al. 2024, arXiv 2410.06264). On the sequences `ForwardProcess`, which know what is noise; a noise
    token that happens to be the right one counts as noise, as in the paper.

    Raises:
        ValueError: a model without a quality head, or sequences that do not know.
    """

    weight: float = 1.0

    def __call__(self, inputs: LossInputs) -> dict[str, Tensor]:
        if inputs.model.quality is None:
            raise ValueError("Uncorrupted trains a quality head, but the model has none; add model.quality")
        if "noised" not in inputs.state.carry:
            raise ValueError(
                "Uncorrupted needs sequences that know what is noise; use training.corrupted.ForwardProcess"
            )
        where = inputs.state.editable
        clean = ~inputs.state.carry["noised"][where]
        logit = inputs.model.quality(inputs.hidden[where])
        return {"uncorrupted": self.weight * F.binary_cross_entropy_with_logits(logit, clean.float())}
