"""Is this query finished, and what does it answer?

A row also ends, under every rule, when its canvas is settled (`Decision.settled`) or the step limit is reached.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from adaptive_diffusion.core.part import Halting
from adaptive_diffusion.core.prediction import Prediction, Reading
from adaptive_diffusion.core.readings import Standing, Top
from adaptive_diffusion.core.state import Decision, HaltReason, SamplerState, Verdict


@dataclass(frozen=True)
class AllCommitted(Halting):
    """Stop when nothing is open and nothing was revoked: the plain sampler, which only ever ends settled."""

    reason = HaltReason.SETTLED

    def __call__(self, state: SamplerState, prediction: Prediction, decision: Decision) -> Verdict:
        return Verdict(torch.zeros_like(decision.settled))


@dataclass(frozen=True)
class Fixed(Halting):
    """Stop after `steps` steps; what is still open is filled from the last prediction."""

    steps: int
    reason = HaltReason.FIXED

    def __post_init__(self) -> None:
        if self.steps < 1:
            raise ValueError(f"steps={self.steps}: a sampler takes at least 1 step")

    def __call__(self, state: SamplerState, prediction: Prediction, decision: Decision) -> Verdict:
        return Verdict(state.step + 1 >= self.steps)


@dataclass(frozen=True)
class LearnedHalting(Halting):
    """Stop when the head's P(answer right if stopped now) reaches the threshold; trained by binary cross-entropy as in
    TRM (Jolicoeur-Martineau 2025, arXiv 2510.04871), but halting at evaluation.

    `head(hidden [B, L, D], summaries [B, L, 5], editable [B, L])` gives logits [B].
    """

    head: Callable[[Tensor, Tensor, Tensor], Tensor]
    threshold: float = 0.9
    reason = HaltReason.LEARNED
    reads_committed = True

    def reads(self) -> tuple[Reading, ...]:
        return Top(), Standing()

    def __call__(self, state: SamplerState, prediction: Prediction, decision: Decision) -> Verdict:
        logit = self.head(prediction.evaluation.hidden, step_summaries(state, prediction, decision), state.editable)
        probability = logit.float().sigmoid()
        return Verdict(probability >= self.threshold, probability)


def step_summaries(state: SamplerState, prediction: Prediction, decision: Decision) -> Tensor:
    """[B, L, 5] float32, what a halting head may know of each position: top-1 probability and margin, whether it stays
    open, whether it is taken back, and how probable the answer's token is if the row stopped now."""
    stays_open = decision.still_open(state)
    kept = state.revisable & ~decision.reopen
    answer = torch.where(kept, prediction["standing_probability"], prediction["confidence"])
    columns = prediction["confidence"], prediction["margin"], stays_open, decision.reopen, answer
    return torch.stack([column.float() for column in columns], dim=-1)
