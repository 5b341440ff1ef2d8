"""Positions that are confident enough are committed before their turn."""

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from adaptive_diffusion.core.prediction import Logits, LogitStatistic, Prediction
from adaptive_diffusion.core.state import Candidate, Decision, SamplerState
from adaptive_diffusion.rules.plan_wrapper import PlanWrapper


@dataclass(frozen=True)
class TopRatio(LogitStatistic):
    """`top_ratio` p₍₁₎/(p₍₂₎ + 1e-12) of the two most probable tokens."""

    def __call__(self, logits: Logits) -> dict[str, Tensor]:
        probability = logits.probability.gather(-1, logits.top[1])
        return {"top_ratio": probability[:, 0] / (probability[:, -1] + 1e-12)}


@dataclass(frozen=True)
class EarlyTokens(PlanWrapper):
    """What the inner plan commits, and every open position with p₍₁₎/p₍₂₎ ≥ high − (high − low)·φ, where φ in [0, 1]
    measures how many of its neighbours are written: Σ decayᵈ over the written or given positions at distances d ≤
    `reach` on both sides, divided by 2·Σ decayᵈ over d = 1 … `reach`. Beyond the ends of the sequence nothing counts.
    A committed token is not revised by this rule (Kohut et al. 2026, Just on Time, arXiv 2602.11133).

    Raises:
        ValueError: low above high, a decay outside (0, 1], a reach below 1.
    """

    high: float = 3.0
    low: float = 1.0
    decay: float = 0.5
    reach: int = 16

    def __post_init__(self) -> None:
        super().__post_init__()
        if not (self.low <= self.high and 0 < self.decay <= 1 and self.reach >= 1):
            raise ValueError(
                f"low={self.low} must not exceed high={self.high}, decay={self.decay} must lie in (0, 1] and "
                f"reach={self.reach} be at least 1"
            )

    def logit_statistics(self) -> tuple[LogitStatistic, ...]:
        return *self.inner.logit_statistics(), TopRatio()

    def threshold(self, state: SamplerState) -> Tensor:
        """[B, L] float64, the ratio at which a position is committed."""
        written = (state.committed | ~state.editable).double()
        near, most = torch.zeros_like(written), 0.0
        # Added up distance by distance, so that every row is summed in the same order.
        for distance in range(1, self.reach + 1):
            weight = self.decay**distance
            most += 2 * weight
            near[:, distance:] += weight * written[:, :-distance]
            near[:, :-distance] += weight * written[:, distance:]
        return self.high - (self.high - self.low) * (near / most).clamp(max=1)

    def __call__(self, state: SamplerState, prediction: Prediction, candidate: Candidate) -> Decision:
        decision = self.inner(state, prediction, candidate)
        early = state.open & (prediction["top_ratio"] >= self.threshold(state))
        decision = replace(decision, write=decision.write | early)
        return replace(decision, settled=decision.settled | self.finished(state, decision))

    def finished(self, state: SamplerState, decision: Decision) -> Tensor:
        """[B] bool: the sequence is full, and the inner plan never revises."""
        return ~decision.still_open(state).any(1) & (not self.inner.revises)
