"""Predict the clean tokens."""

from dataclasses import dataclass

from torch import Tensor

from adaptive_diffusion.core.loss_inputs import LossInputs
from adaptive_diffusion.core.state import SamplerState
from adaptive_diffusion.objectives.cross_entropy import cross_entropy
from adaptive_diffusion.objectives.objective import Objective


@dataclass(frozen=True)
class Denoising(Objective):
    """Cross-entropy −log p(x_0,i | x_t), the mean over all editable positions of the batch, gathered before the head
    and taken chunk by chunk where the vocabulary is large.

    On open positions it is the masked-diffusion loss with weight 1 (Sahoo et al. 2024, arXiv 2406.07524, with 1/t
    divided out). On committed ones, some of them wrong, the denoiser learns to give a low probability to visible tokens
    that are wrong, so that the probability of a visible token measures how well it fits.

    Attributes:
        committed: weight of committed positions against open ones; 0 leaves them out.
    """

    weight: float = 1.0
    committed: float = 1.0

    def __call__(self, inputs: LossInputs) -> dict[str, Tensor]:
        where = inputs.state.open if self.committed == 0 else inputs.state.editable
        share = position_weights(inputs.state, self.committed)[where]
        model = inputs.model
        total = cross_entropy(
            model.logits, list(model.parameters()), inputs.hidden[where], inputs.clean[where], share, model.vocabulary
        )
        return {"denoising": self.weight * total / share.sum().clamp(min=1)}


def position_weights(state: SamplerState, committed: float) -> Tensor:
    """[B, L] float32: 1 at open positions, `committed` at committed ones, 0 elsewhere."""
    return state.open.float() + committed * state.revisable.float()
