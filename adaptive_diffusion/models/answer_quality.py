"""A head that judges complete answers."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from adaptive_diffusion.core.loss_inputs import LossInputs
from adaptive_diffusion.models.head import Head
from adaptive_diffusion.models.rowwise import rowwise


class AnswerQualityHead(Head):
    """logit of P(the complete answer is right), from the hidden states [B, L, D] of a full sequence to [B] (ours).

    z_i = MLP(h_i) at every position; another MLP maps [mean z; max z] to one number. Evaluations carry its probability
    at every position, [B, L]. The rule `BeginAnewIfDoubted` reads it.

    Whether an answer fits together is easier to learn than which of its tokens is at fault: a ring that is not closed
    can be mended at several places, so that no single token need be improbable.

    Args:
        width: D of the denoiser.
        inner: width of z.
        init_bias: the logit before training; positive, so that nothing is begun anew before it has learned.

    Example:
        >>> import torch
        >>> from adaptive_diffusion.models.answer_quality import AnswerQualityHead
        >>> AnswerQualityHead(width=32)(torch.zeros(2, 7, 32)).shape
        torch.Size([2])
    """

    summary = True

    def __init__(self, width: int, inner: int = 64, init_bias: float = 3.0):
        super().__init__()
        self.each = nn.Sequential(nn.Linear(width, inner), nn.SiLU(), nn.Linear(inner, inner), nn.SiLU())
        last = nn.Linear(inner, 1)
        self.all = nn.Sequential(nn.Linear(2 * inner, inner), nn.SiLU(), last)
        nn.init.zeros_(last.weight)
        nn.init.constant_(last.bias, init_bias)

    def forward(self, hidden: Tensor) -> Tensor:
        each = rowwise(self.each, hidden.float())
        return rowwise(self.all, torch.cat([each.mean(1), each.amax(1)], dim=-1))[:, 0]

    def summarise(self, hidden: Tensor) -> Tensor:
        return self(hidden).sigmoid()[:, None].expand(hidden.shape[:2])

    def loss(self, inputs: LossInputs) -> Tensor | None:
        """Binary cross-entropy on the score of the sequence that was evaluated, which the step may take back, at the
        rows where it was full: 0 where there is none, None where no sampler makes answers."""
        if inputs.outcome is None:
            return None
        full = ~inputs.state.open.any(1) & inputs.state.editable.any(1)
        score = inputs.outcome.score_of(inputs.state.tokens.where(full[:, None], inputs.outcome.answer))
        each = F.binary_cross_entropy_with_logits(self(inputs.hidden), score, reduction="none")
        return (each * full).sum() / full.sum().clamp(min=1)
