"""Tell which standing tokens are right."""

from dataclasses import dataclass

from torch import Tensor
from torch.nn import functional as F

from adaptive_diffusion.objectives.objective import LossInputs, Objective


@dataclass(frozen=True)
class TokenQuality(Objective):
    """Binary cross-entropy on "this committed token is right" (Kim et al. 2025b, PRISM, arXiv 2510.01384).

    A forward without committed tokens has nothing to judge and adds nothing.

    Attributes:
        detach: keep the head's gradient out of the trunk ("loss competition" can hurt the denoiser).
    """

    weight: float = 0.1
    detach: bool = False

    def __call__(self, inputs: LossInputs) -> dict[str, Tensor]:
        if inputs.model.quality is None:
            raise ValueError("TokenQuality trains a quality head, but the model has none; add model.quality")
        where = inputs.state.revisable
        if not where.any():
            return {}
        hidden = inputs.hidden[where]
        logit = inputs.model.quality(hidden.detach() if self.detach else hidden)
        right = (inputs.state.tokens == inputs.clean)[where].float()
        return {"quality": self.weight * F.binary_cross_entropy_with_logits(logit, right)}
