"""A policy over positions: what should change."""

import math

import torch
from torch import Tensor, nn

from adaptive_diffusion.models.head import Head
from adaptive_diffusion.models.rowwise import rowwise

CANDIDATE, STANDING, OPEN = 0, 1, 3
"""Columns of `position_summaries`: the log-odds of the candidate and of the standing token, and whether it is open."""


class PolicyHead(Head):
    """logits [B, L] that a position should change, from its summaries [B, L, S]: an open one be committed, a
    committed one be taken for a mistake.

    It starts as a soft rule of thresholds, sharpness·(log-odds of the candidate − those of `commit`) at open positions
    and sharpness·(log-odds of `doubt` − those of the standing token) at committed ones; to this a map with one hidden
    layer is added that is zero at first. So policy gradient starts from a sampler that works.
    """

    def __init__(
        self, summaries: int = 8, inner: int = 32, commit: float = 0.8, doubt: float = 0.3, sharpness: float = 2.0
    ):
        super().__init__()
        self.threshold = nn.Parameter(torch.tensor([_log_odds(commit), _log_odds(doubt)]))
        self.sharpness = nn.Parameter(torch.tensor(sharpness))
        last = nn.Linear(inner, 2)
        self.map = nn.Sequential(nn.Linear(summaries, inner), nn.SiLU(), last)
        nn.init.zeros_(last.weight)
        nn.init.zeros_(last.bias)

    def forward(self, summaries: Tensor) -> Tensor:
        commit = self.sharpness * (summaries[..., CANDIDATE] - self.threshold[0])
        doubt = self.sharpness * (self.threshold[1] - summaries[..., STANDING])
        both = rowwise(self.map, summaries) + torch.stack([commit, doubt], dim=-1)
        return torch.where(summaries[..., OPEN] > 0, both[..., 0], both[..., 1])


def _log_odds(probability: float) -> float:
    if not 0 < probability < 1:
        raise ValueError(f"threshold {probability} is no probability between 0 and 1")
    return math.log(probability / (1 - probability))
