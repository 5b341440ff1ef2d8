"""Heads on a denoiser's hidden states: the quality of each token, and whether the answer is right."""

from dataclasses import replace

import torch
from torch import Tensor, nn

from adaptive_diffusion.core.prediction import Evaluation
from adaptive_diffusion.core.state import SamplerState
from adaptive_diffusion.models.policy import PolicyHead
from adaptive_diffusion.models.rowwise import rowwise
from adaptive_diffusion.models.wrapper import DenoiserWrapper


class QualityHead(nn.Module):
    """logit of P(the token that stands here is right given the rest), from hidden states [..., D] to [...].

    Reluctant at first: zero weights and bias +`init_bias`, so that nothing is taken back before it has learnt.
    (Kim et al. 2025b, PRISM, arXiv 2510.01384.)
    """

    def __init__(self, width: int, init_bias: float = 3.0):
        super().__init__()
        self.out = nn.Linear(width, 1)
        nn.init.zeros_(self.out.weight)
        nn.init.constant_(self.out.bias, init_bias)

    def forward(self, hidden: Tensor) -> Tensor:
        return rowwise(self.out, hidden)[..., 0].float()


class HaltingHead(nn.Module):
    """logit of P(the whole answer is right if stopped now), from hidden states and step summaries.

    z_i = SiLU(W[h_i; s_i]) at every editable position, then a two-layer map of [mean z; max z; min s; mean s] to one
    number. Zero output weights and bias −`init_bias`: a head that starts eager never sees the later steps it should
    learn from (Wang et al. 2025, HRM, arXiv 2506.21734).

    Args:
        width: D of the denoiser.
        summaries: S, how many of the step summaries it looks at, from the first on.
        inner: width of z.
    """

    def __init__(self, width: int, summaries: int = 5, inner: int = 48, init_bias: float = 5.0):
        super().__init__()
        self.summaries = summaries
        self.each = nn.Sequential(nn.Linear(width + summaries, inner), nn.SiLU())
        last = nn.Linear(64, 1)
        self.all = nn.Sequential(nn.Linear(2 * inner + 2 * summaries, 64), nn.SiLU(), last)
        nn.init.zeros_(last.weight)
        nn.init.constant_(last.bias, -init_bias)

    def forward(self, hidden: Tensor, summaries: Tensor, editable: Tensor) -> Tensor:
        """[B] logits from hidden [B, L, D], at least S summaries [B, L, …] and editable [B, L]."""
        summaries = summaries[..., : self.summaries]
        each = rowwise(self.each, torch.cat([hidden.float(), summaries], dim=-1))
        seen = editable[..., None]
        count = seen.sum(1).clamp(min=1)
        pooled = (each * seen).sum(1) / count, each.masked_fill(~seen, -1e4).amax(1)
        spread = summaries.masked_fill(~seen, 1e4).amin(1), (summaries * seen).sum(1) / count
        return rowwise(self.all, torch.cat([*pooled, *spread], dim=-1))[:, 0]


class DenoiserWithHeads(DenoiserWrapper):
    """A denoiser and the heads trained on it, itself a denoiser: what every training stage begins and ends with.

    With a quality head, evaluations also carry the summary `quality` [B, L], P(the standing token is right), at no
    further forward. The halting head is asked by the halting rule, which knows the step's decision, the policy head by
    the plan `LearnedRevising`.
    """

    def __init__(
        self,
        denoiser: nn.Module,
        quality: QualityHead | None = None,
        halting: nn.Module | None = None,
        policy: PolicyHead | None = None,
    ):
        super().__init__(denoiser)
        self.quality, self.halting, self.policy = quality, halting, policy

    def evaluate(self, state: SamplerState) -> Evaluation:
        """The denoiser's evaluation, with the quality of standing tokens where there is a head for it."""
        return self.judged(super().evaluate(state))

    def judged(self, evaluation: Evaluation) -> Evaluation:
        """An evaluation with `quality` added."""
        if self.quality is None:
            return evaluation
        quality = self.quality(evaluation.hidden).sigmoid()
        return replace(evaluation, summaries={**evaluation.summaries, "quality": quality})
