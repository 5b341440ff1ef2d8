"""Tell whether the query is finished."""

from dataclasses import dataclass

from torch import Tensor
from torch.nn import functional as F

from adaptive_diffusion.objectives.objective import LossInputs, Objective
from adaptive_diffusion.rules.halting import step_summaries


@dataclass(frozen=True)
class SolvedIfStopped(Objective):
    """Binary cross-entropy on "the whole answer is right if I stop now" (Jolicoeur-Martineau 2025, TRM, 2510.04871),
    on live slots only: the answer is what the sampler itself would hand back after this step.

    Attributes:
        detach: keep the head's gradient out of the trunk.
    """

    weight: float = 1.0
    detach: bool = True

    def __call__(self, inputs: LossInputs) -> dict[str, Tensor]:
        if inputs.model.halting is None:
            raise ValueError("SolvedIfStopped trains a halting head, but the model has none; add model.halting")
        if inputs.outcome is None:
            return {}
        hidden = inputs.hidden.detach() if self.detach else inputs.hidden
        summaries = step_summaries(inputs.state, inputs.outcome.prediction, inputs.outcome.decision).detach()
        logit = inputs.model.halting(hidden, summaries, inputs.state.editable)
        right = (inputs.outcome.answer == inputs.clean).all(1).float()
        return {"halting": self.weight * F.binary_cross_entropy_with_logits(logit, right)}
