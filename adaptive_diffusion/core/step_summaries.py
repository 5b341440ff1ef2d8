"""What a halting head may look at in each position of a step."""

import torch
from torch import Tensor

from adaptive_diffusion.core.prediction import Prediction
from adaptive_diffusion.core.state import Decision, SamplerState


def step_summaries(state: SamplerState, prediction: Prediction, decision: Decision) -> Tensor:
    """[B, L, 8] float32, what a halting head may look at in each position: top-1 probability and margin, whether it
    stays open, whether it is taken back, how probable the answer's token is if the row stopped now, entropy, how often
    it was taken back before, and a tenth of the row's steps so far."""
    stays_open = decision.still_open(state)
    stays = state.revisable & ~decision.remask & ~decision.write
    answer = torch.where(stays, prediction["current_token_probability"], prediction["confidence"])
    steps = (state.step / 10)[:, None].expand_as(answer)
    first = prediction["confidence"], prediction["margin"], stays_open, decision.remask, answer
    columns = *first, prediction["entropy"], state.revisions, steps
    return torch.stack([column.float() for column in columns], dim=-1)
