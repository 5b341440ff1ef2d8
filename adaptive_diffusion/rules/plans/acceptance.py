"""Acceptance that is not sticky."""

from dataclasses import dataclass

import torch

from adaptive_diffusion.core.logit_statistics import Entropy
from adaptive_diffusion.core.prediction import LogitStatistic, Prediction
from adaptive_diffusion.core.rule import Plan
from adaptive_diffusion.core.state import Candidate, Decision, SamplerState
from adaptive_diffusion.rules.adaptive import bounded_prefix
from adaptive_diffusion.rules.top_k import best


@dataclass(frozen=True)
class EntropyBoundAcceptance(Plan):
    """Every step ranks the whole sequence by entropy and accepts the largest prefix with ΣH − max H ≤ γ; the rest is
    noise, drawn anew, whether or not it was accepted before (DiffusionGemma, Google 2026, after Ben-Hamu et al. 2025,
    arXiv 2505.24857). Nothing settles a row: it ends by its halting rule or after `steps` steps.

    Raises:
        ValueError: fewer than one step, a negative bound.
    """

    gamma: float = 0.1
    steps: int = 48
    reads_committed = True
    bounded = True

    def __post_init__(self) -> None:
        if self.steps < 1 or self.gamma < 0:
            raise ValueError(f"steps={self.steps} must be at least 1 and gamma={self.gamma} not negative")

    def logit_statistics(self) -> tuple[LogitStatistic, ...]:
        return (Entropy(),)

    def horizon(self, length: int) -> int:
        return self.steps

    def __call__(self, state: SamplerState, prediction: Prediction, candidate: Candidate) -> Decision:
        entropy = prediction["entropy"]
        accepted = best(-entropy, state.eligible, bounded_prefix(-entropy, entropy, state.eligible, self.gamma))
        return Decision(
            write=accepted,
            token=candidate.token,
            probability=candidate.probability,
            remask=state.revisable & ~accepted,
            renoise=state.open & ~accepted,
            noise_level=(1 - (state.step + 1).double() / self.steps).clamp(min=0),
            settled=torch.zeros_like(state.running),
        )
