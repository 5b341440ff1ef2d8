"""Remasking of tokens whose probability has fallen."""

from dataclasses import dataclass

import torch

from adaptive_diffusion.core.logit_statistics import CurrentTokenProbability
from adaptive_diffusion.core.rule import Remasking, Revision


@dataclass(frozen=True)
class FallenProbability(Remasking):
    """Takes back a token whose probability has fallen below `share` of what it was when the token was committed."""

    share: float = 0.5
    reads_committed = True

    def logit_statistics(self):
        return (CurrentTokenProbability(),)

    def __call__(self, state, prediction, next_level) -> Revision:
        fallen = prediction["current_token_probability"] < self.share * state.commit_probability
        return Revision(state.revisable & fallen, remask_probability=torch.zeros_like(state.noise_level))
