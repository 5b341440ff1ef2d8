"""Whether a denoiser's predictions change when its prompt is padded."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from adaptive_diffusion.models.pretrained.denoiser import PretrainedDenoiser

PROMPT, ANSWER, PADDING = 4, 4, 28


@torch.no_grad()
def padding_error(denoiser: PretrainedDenoiser) -> float:
    """‖h′ − h‖ / ‖h‖ over the hidden states h of a short answer without padding and h′ with 28 padding tokens on the
    left; infinity for a denoiser that has no padding token or refuses padded queries.

    Published code may accept an attention mask and never apply it (LLaDA's does); only a forward shows it.
    """
    tokens = denoiser.tokens
    if tokens.pad is None:
        return torch.inf
    answer = denoiser.canvas_length or ANSWER
    special = {tokens.mask, tokens.pad, *tokens.end}
    ordinary = [token for token in range(denoiser.vocabulary) if token not in special] or [0]
    row = [ordinary[place % len(ordinary)] for place in range(PROMPT + answer)]
    if tokens.mask is not None:
        row[PROMPT:] = [tokens.mask] * answer
    alone = torch.tensor([row], device=denoiser.head.weight.device)
    status = torch.tensor([[0] * PROMPT + [2] * answer], device=alone.device)
    padded = torch.cat([alone.new_full((1, PADDING), tokens.pad), alone], 1)
    try:
        changed = denoiser.hidden(padded, torch.cat([status.new_zeros(1, PADDING), status], 1))[:, -answer:]
    except ValueError:  # an architecture whose forward takes no positions
        return torch.inf
    hidden = denoiser.hidden(alone, status)[:, -answer:]
    return float((changed - hidden).norm() / hidden.norm())
