"""Denoise where a planner predicts noise (Liu et al. 2024, DDPD, arXiv 2410.06264)."""

from dataclasses import dataclass

import torch

from adaptive_diffusion.core.logit_statistics import CurrentTokenProbability, Top
from adaptive_diffusion.core.prediction import LogitStatistic, Prediction
from adaptive_diffusion.core.rule import UNIFORM, Plan, open_share
from adaptive_diffusion.core.state import Candidate, Decision, SamplerState


@dataclass(frozen=True)
class PlannedDenoising(Plan):
    """In every step the one position that the planner has drawn gets the candidate. After `steps` steps, the argmax of
    the last prediction is written wherever the planner gave P(corrupted) > `fill`.

    The planner is the summary `planner` [B, L], logits of P(corrupted), and its draw the summary `planned` [B, L] bool,
    both from a denoiser wrapped with `Planned`. It looks at a full sequence, so everything counts as committed after
    the first step; only then are replacements revisions. The noise level is that of the expected number of corrupted
    positions.

    Attributes:
        steps: steps of the row.
        fill: positions more probably corrupted than this are filled at the end; 1 fills nothing.
        enough: the row ends early once the planner expects fewer corrupted positions than this; 0 never ends it early.

    Raises:
        ValueError: fewer than one step.
    """

    steps: int
    fill: float = 0.05
    enough: float = 0.0
    corruptions = UNIFORM
    reads_committed = True
    reads_summaries = ("planner",)
    bounded = True
    commits_noise = True

    def __post_init__(self) -> None:
        if self.steps < 1:
            raise ValueError(f"steps={self.steps} gives the planner nothing to do; use at least 1")

    def logit_statistics(self) -> tuple[LogitStatistic, ...]:
        return Top(), CurrentTokenProbability()

    def horizon(self, length: int) -> int:
        return self.steps

    def __call__(self, state: SamplerState, prediction: Prediction, candidate: Candidate) -> Decision:
        chance = prediction["planner"].double().sigmoid()
        corrupted = (chance * state.eligible).sum(1)
        last = state.step + 1 >= self.steps
        early = ~last & (corrupted < self.enough)
        filled = state.eligible & (chance > self.fill) & last[:, None]
        drawn = prediction["planned"] & ~filled & ~early[:, None]
        token = torch.where(drawn, candidate.token, state.tokens)
        probability = torch.where(drawn, candidate.probability, prediction["current_token_probability"])
        return Decision(
            write=drawn | filled | state.open,
            token=torch.where(filled, prediction["argmax"], token),
            probability=torch.where(filled, prediction["confidence"], probability),
            remask=torch.zeros_like(drawn),
            renoise=torch.zeros_like(drawn),
            noise_level=open_share(state, corrupted - 1),
            settled=early | last,
        )
