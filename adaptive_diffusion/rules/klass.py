"""KL-guided stability (Kim et al. 2025c, KLASS, arXiv 2511.05664)."""

from dataclasses import dataclass

import torch
from torch import Tensor

from adaptive_diffusion.core.logit_statistics import Top
from adaptive_diffusion.core.parameters import check_probability, check_steps
from adaptive_diffusion.core.prediction import Logits, LogitStatistic, Prediction
from adaptive_diffusion.core.rule import Revision, UnmaskingOrder, UnmaskingPace
from adaptive_diffusion.core.state import Candidate, Decision, SamplerState
from adaptive_diffusion.rules.pace import even_quota


@dataclass(frozen=True)
class Distribution(LogitStatistic):
    """`log_probability` [P, K]: log p of every token, K numbers per position."""

    def __call__(self, logits: Logits) -> dict[str, Tensor]:
        return {"log_probability": logits.log_probability.clamp(min=-1e4)}


@dataclass(frozen=True)
class KLStability(UnmaskingOrder):
    """Stable and confident positions first: KL(p_now ‖ p_before) < ε in the last `history` forwards and c > τ. The
    score is 1 + c there and c − 1 elsewhere, so that `StableOrQuota` and `Threshold(1)` find these positions.

    At first `history` + 1 predictions are needed, since there is nothing to compare the first one with. The history
    covers the open positions of all blocks and goes on from block to block: later `history` forwards are enough.

    It carries the previous distribution, [B, L, K] float32, and the number of stable forwards in a row, [B, L].

    Raises:
        ValueError: a threshold that is no probability.
    """

    epsilon: float = 0.01
    history: int = 2
    threshold: float = 0.9
    reads_all_blocks = True

    def __post_init__(self) -> None:
        check_probability(self.threshold)

    def logit_statistics(self) -> tuple[LogitStatistic, ...]:
        return Top(), Distribution()

    def init_carry(self, state: SamplerState, vocabulary: int) -> dict[str, Tensor]:
        nothing = torch.zeros(*state.tokens.shape, vocabulary, device=state.tokens.device)
        first = {"stable.before": nothing, "stable.streak": torch.full_like(state.tokens, -1)}
        # A later block finds what the blocks before it have carried.
        return {name: state.carry.get(name, value) for name, value in first.items()}

    def streak(self, state: SamplerState, prediction: Prediction) -> Tensor:
        """[B, L] int64, how many forwards in a row have been stable; −1 before the first."""
        now, before = prediction["log_probability"], state.carry["stable.before"]
        stable = (now.exp() * (now - before)).sum(-1) < self.epsilon
        first = state.carry["stable.streak"] < 0
        longer = torch.where(stable & ~first, state.carry["stable.streak"] + 1, 0)
        return longer.where(prediction.read, -1)

    def update_carry(self, state: SamplerState, prediction: Prediction, decision: Decision) -> dict[str, Tensor]:
        return {"stable.before": prediction["log_probability"], "stable.streak": self.streak(state, prediction)}

    def __call__(self, state: SamplerState, prediction: Prediction, candidate: Candidate) -> Tensor:
        stable = (self.streak(state, prediction) >= self.history) & (state.step + 1 >= self.history)[:, None]
        certain = stable & (candidate.probability > self.threshold)
        return torch.where(certain, 1 + candidate.probability, candidate.probability - 1)


@dataclass(frozen=True)
class StableOrQuota(UnmaskingPace):
    """With the order `KLStability`: every stable and confident position; without one, as many as LLaDA commits
    in this step, N/steps of the block's N positions with the remainder to the early steps, at least 1.

    Raises:
        ValueError: fewer than one step.
    """

    steps: int = 16

    def __post_init__(self) -> None:
        check_steps(self.steps, "gives no quota")

    def __call__(
        self, state: SamplerState, prediction: Prediction, score: Tensor, revision: Revision, next_level: Tensor
    ) -> Tensor:
        stable = (state.open & (score >= 1)).sum(1)
        return stable.where(stable > 0, even_quota(state, self.steps).clamp(min=1))
