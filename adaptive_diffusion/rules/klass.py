"""KL-guided stability as an order (Kim et al. 2025c, KLASS, arXiv 2511.05664)."""

from dataclasses import dataclass

import torch
from torch import Tensor

from adaptive_diffusion.core.logit_statistics import Top
from adaptive_diffusion.core.prediction import Logits, LogitStatistic, Prediction
from adaptive_diffusion.core.rule import UnmaskingOrder
from adaptive_diffusion.core.state import Candidate, Decision, SamplerState


@dataclass(frozen=True)
class Distribution(LogitStatistic):
    """`log_probability` [P, K]: the whole prediction, K numbers a position."""

    def __call__(self, logits: Logits) -> dict[str, Tensor]:
        return {"log_probability": logits.log_probability.clamp(min=-1e4)}


@dataclass(frozen=True)
class KLStability(UnmaskingOrder):
    """Steady and confident positions first: KL(p_now ‖ p_before) < ε for `history` steps in a row, hence history + 1
    predictions, and c > τ. The score is 1 + c there and c − 1 elsewhere, so `Threshold(1)` commits exactly these, and
    the most confident one when there are none.

    It carries the previous distribution, [B, L, K] float32, and the length of the streak.
    """

    epsilon: float = 0.01
    history: int = 2
    threshold: float = 0.9

    def logit_statistics(self) -> tuple[LogitStatistic, ...]:
        return Top(), Distribution()

    def init_carry(self, state: SamplerState, vocabulary: int) -> dict[str, Tensor]:
        nothing = torch.zeros(*state.tokens.shape, vocabulary, device=state.tokens.device)
        return {"stable.before": nothing, "stable.streak": torch.full_like(state.tokens, -1)}

    def streak(self, state: SamplerState, prediction: Prediction) -> Tensor:
        """[B, L] int64, for how many steps in a row the prediction has kept still; −1 before the first."""
        now, before = prediction["log_probability"], state.carry["stable.before"]
        still = (now.exp() * (now - before)).sum(-1) < self.epsilon
        first = state.carry["stable.streak"] < 0
        longer = torch.where(still & ~first, state.carry["stable.streak"] + 1, 0)
        return longer.where(prediction.read, -1)

    def update_carry(self, state: SamplerState, prediction: Prediction, decision: Decision) -> dict[str, Tensor]:
        return {"stable.before": prediction["log_probability"], "stable.streak": self.streak(state, prediction)}

    def __call__(self, state: SamplerState, prediction: Prediction, candidate: Candidate) -> Tensor:
        certain = (self.streak(state, prediction) >= self.history) & (candidate.probability > self.threshold)
        return torch.where(certain, 1 + candidate.probability, candidate.probability - 1)
