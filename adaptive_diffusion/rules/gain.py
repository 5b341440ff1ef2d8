"""Halting without a verifier: stop when a further forward no longer makes the answer likelier."""

from dataclasses import dataclass

import torch
from torch import Tensor

from adaptive_diffusion.core.logit_statistics import CurrentTokenProbability, Top
from adaptive_diffusion.core.prediction import LogitStatistic, Prediction
from adaptive_diffusion.core.rule import Halting
from adaptive_diffusion.core.state import Decision, HaltDecision, SamplerState
from adaptive_diffusion.rules.halting import mean_over

_LEAST = 1e-6


@dataclass(frozen=True)
class LikelihoodGain(Halting):
    """Stop when the mean over eligible positions of log p(x_i), x_i the token that stands or would be filled in, has
    risen by less than `least` nats since the forward before; the rest is filled from the prediction (ours: the price of
    a forward in nats per token, for text without a verifier).

    It carries the last mean, [B] float64.
    """

    least: float = 0.01
    reason = "stable"
    sentence = "a further forward no longer makes the answer likelier"
    explanation = "mean log-probability rose by {gain:.4f} nats; it stops below {least:.4f}"
    reads_committed = True

    def logit_statistics(self) -> tuple[LogitStatistic, ...]:
        return Top(), CurrentTokenProbability()

    def init_carry(self, state: SamplerState, vocabulary: int) -> dict[str, Tensor]:
        return {"gain.mean": torch.full_like(state.noise_level, -torch.inf)}

    def update_carry(self, state: SamplerState, prediction: Prediction, decision: Decision) -> dict[str, Tensor]:
        return {"gain.mean": self.mean(state, prediction)}

    def mean(self, state: SamplerState, prediction: Prediction) -> Tensor:
        """[B] float64, the mean log-probability of the answer as it would be read off now."""
        chance = torch.where(state.open, prediction["confidence"], prediction["current_token_probability"])
        logs = chance.double().clamp(min=_LEAST).log()
        return mean_over(logs, state.eligible)

    def __call__(self, state: SamplerState, prediction: Prediction, decision: Decision) -> HaltDecision:
        gain = self.mean(state, prediction) - state.carry["gain.mean"]
        return HaltDecision(gain < self.least, seen={"gain": gain, "least": torch.full_like(gain, self.least)})
