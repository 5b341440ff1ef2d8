"""A loss for the denoiser: a penalty on confident predictions."""

from dataclasses import dataclass

from torch import Tensor

from adaptive_diffusion.objectives.objective import Objective


@dataclass(frozen=True)
class ConfidencePenalty(Objective):
    """`weight` times the negative entropy of the predictions, the mean over open positions (Pereyra et al. 2017)."""

    weight: float = 0.01

    def __call__(self, inputs) -> dict[str, Tensor]:
        where = inputs.state.open
        log_p = inputs.model.logits(inputs.hidden[where]).log_softmax(-1)
        return {"confidence_penalty": self.weight * (log_p.exp() * log_p).sum() / where.sum().clamp(min=1)}
