"""Denoise where a planner sees noise (Liu et al. 2024, DDPD, arXiv 2410.06264)."""

from dataclasses import dataclass

import torch

from adaptive_diffusion.core.logit_statistics import CurrentTokenProbability
from adaptive_diffusion.core.prediction import LogitStatistic, Prediction
from adaptive_diffusion.core.rule import UNIFORM, Plan
from adaptive_diffusion.core.state import Candidate, Decision, SamplerState
from adaptive_diffusion.rules.pace import open_share
from adaptive_diffusion.rules.top_k import at_random


@dataclass(frozen=True)
class PlannedDenoising(Plan):
    """One position a step, drawn by the softmax of the planner's logits, gets the candidate; the clock is the expected
    number of corrupted positions. Settled after `steps` steps, or once the planner expects less than half a corrupted
    position.

    The planner is the summary `planner` [B, L], logits of P(corrupted), from a denoiser wrapped with it. It judges a
    full sequence, so everything counts as committed after the first step; only then are replacements revisions.
    """

    steps: int
    corruptions = UNIFORM
    reads_committed = True
    bounded = True

    def __post_init__(self) -> None:
        if self.steps < 1:
            raise ValueError(f"steps={self.steps} gives the planner nothing to do; use at least 1")

    def logit_statistics(self) -> tuple[LogitStatistic, ...]:
        return (CurrentTokenProbability(),)

    def horizon(self, length: int) -> int:
        return self.steps

    def __call__(self, state: SamplerState, prediction: Prediction, candidate: Candidate) -> Decision:
        planner = prediction["planner"]
        chosen = at_random(planner, state.eligible, state.noise.once_a_step("planner"))
        corrupted = (planner.double().sigmoid() * state.eligible).sum(1)
        done = corrupted < 0.5
        chosen &= ~done[:, None]
        return Decision(
            write=chosen | state.open,
            token=torch.where(chosen, candidate.token, state.tokens),
            probability=torch.where(chosen, candidate.probability, prediction["current_token_probability"]),
            remask=torch.zeros_like(chosen),
            renoise=torch.zeros_like(chosen),
            noise_level=open_share(state, corrupted - 1),
            settled=done | (state.step + 1 >= self.steps),
        )
