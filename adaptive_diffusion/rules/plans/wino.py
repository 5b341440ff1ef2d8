"""Commit wide, verify narrow (Hong et al. 2025, WINO, arXiv 2507.18578)."""

from dataclasses import dataclass

import torch
from torch import Tensor

from adaptive_diffusion.core.prediction import Prediction
from adaptive_diffusion.core.rule import ABSORBING, Plan
from adaptive_diffusion.core.state import Candidate, Decision, SamplerState
from adaptive_diffusion.rules.plans.commits import committed_and_remasked
from adaptive_diffusion.rules.top_k import best


@dataclass(frozen=True)
class WideInNarrowOut(Plan):
    """Commit every open token with c > `accept`, at least one and at most min(max(⌊`share`·open⌋, `least`), `most`);
    remask earlier commits that a view which cannot see them gives less than `keep`: only if at least 2 tokens are
    accepted now, and at most one fewer than were accepted in the step before, so that every step but the first makes
    headway.

    The view is the summary `verified` [B, L], from a denoiser wrapped with `ShadowVerified`.

    Raises:
        ValueError: a bound that accepts nothing.
    """

    accept: float = 0.6
    keep: float = 0.9
    share: float = 0.7
    least: int = 5
    most: int = 20
    corruptions = ABSORBING
    reads_committed = True
    bounded = True

    def __post_init__(self) -> None:
        if min(self.least, self.most) < 1:
            raise ValueError(f"least={self.least} and most={self.most} would never finish; use at least 1")

    def init_carry(self, state: SamplerState, vocabulary: int) -> dict[str, Tensor]:
        # As in the authors' code a block begins as if 30 had been accepted before.
        return {"wino.accepted": torch.full_like(state.step, 30)}

    def update_carry(self, state: SamplerState, prediction: Prediction, decision: Decision) -> dict[str, Tensor]:
        return {"wino.accepted": decision.write.sum(1)}

    def __call__(self, state: SamplerState, prediction: Prediction, candidate: Candidate) -> Decision:
        wide = (state.open & (candidate.probability > self.accept)).sum(1)
        bound = (self.share * state.open.sum(1).double()).floor().long().clamp(min=self.least).clamp(max=self.most)
        write = best(candidate.probability, state.open, wide.minimum(bound).clamp(min=1))
        accepted = write.sum(1)
        allowed = torch.where(accepted >= 2, (state.carry["wino.accepted"] - 1).clamp(min=0), 0)
        doubtful = state.revisable & (prediction["verified"] < self.keep)
        remask = best(-prediction["verified"], doubtful, allowed)
        return committed_and_remasked(state, candidate, write, remask)
