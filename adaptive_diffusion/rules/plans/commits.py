"""The decision of plans that commit open positions and take committed ones back, and replace none."""

import torch
from torch import Tensor

from adaptive_diffusion.core.rule import open_share
from adaptive_diffusion.core.state import Candidate, Decision, SamplerState


def committed_and_remasked(state: SamplerState, candidate: Candidate, write: Tensor, remask: Tensor) -> Decision:
    """Commits the open positions `write` [B, L] and opens the committed ones `remask` [B, L]; the clock follows the
    share of open positions, and a row without any is settled."""
    left = ((state.open & ~write) | remask).sum(1)
    return Decision(
        write=write,
        token=candidate.token,
        probability=candidate.probability,
        remask=remask,
        renoise=torch.zeros_like(write),
        noise_level=open_share(state, left),
        settled=left == 0,
    )
