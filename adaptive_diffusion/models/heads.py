"""Heads on a denoiser's hidden states: the quality of each token, and whether the answer is right."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from adaptive_diffusion.core.denoiser import Evaluation, check_denoiser
from adaptive_diffusion.core.loss_inputs import LossInputs
from adaptive_diffusion.core.state import SamplerState
from adaptive_diffusion.core.step_summaries import step_summaries
from adaptive_diffusion.models.head import Head
from adaptive_diffusion.models.rowwise import rowwise
from adaptive_diffusion.models.wrapper import Delegating

SELF_GENERATED = "self_generated.drawn"
"""The carry [B, L] bool of training states: tokens that the model has drawn itself just now."""


class QualityHead(Head):
    """logit of P(the current token is right given the rest), from hidden states [..., D] to [...] (Kim et al. 2025b,
    PRISM, arXiv 2510.01384). Evaluations carry its probability.

    It starts with zero weights and bias `init_bias`, so that nothing is taken back before it has learned.
    """

    summary = True

    def __init__(self, width: int, init_bias: float = 3.0):
        super().__init__()
        self.out = nn.Linear(width, 1)
        nn.init.zeros_(self.out.weight)
        nn.init.constant_(self.out.bias, init_bias)

    def forward(self, hidden: Tensor) -> Tensor:
        return rowwise(self.out, hidden.to(self.out.weight.dtype))[..., 0].float()

    def summarise(self, hidden: Tensor) -> Tensor:
        return self(hidden).sigmoid()

    def loss(self, inputs: LossInputs) -> Tensor | None:
        """Binary cross-entropy on "this token is right": at the tokens the model has drawn itself where the states
        mark them (carry `SELF_GENERATED`), else at all committed ones. A head trained on mostly clean tokens would be
        biased towards 1."""
        where = inputs.state.revisable & inputs.state.carry.get(SELF_GENERATED, inputs.state.revisable)
        if not where.any():
            return None
        right = (inputs.state.tokens == inputs.clean)[where].float()
        return F.binary_cross_entropy_with_logits(self(inputs.hidden[where]), right)


class UnmaskingHead(Head):
    """logit of P(the token that is written here, or would be, is right), from hidden states [..., D] to [...]: the
    score by which RemeDi ranks open and committed positions together (Huang et al. 2025, arXiv 2509.23653). Evaluations
    carry its probability.

    Args:
        width: D of the denoiser.
        init_bias: the logit before training, everywhere.
        smoothing: ε; targets lie between ε and 1 − ε.
    """

    summary = True

    def __init__(self, width: int, init_bias: float = 0.0, smoothing: float = 0.05):
        super().__init__()
        self.smoothing = smoothing
        self.out = nn.Linear(width, 1)
        nn.init.zeros_(self.out.weight)
        nn.init.constant_(self.out.bias, init_bias)

    def forward(self, hidden: Tensor) -> Tensor:
        return rowwise(self.out, hidden.to(self.out.weight.dtype))[..., 0].float()

    def summarise(self, hidden: Tensor) -> Tensor:
        return self(hidden).sigmoid()

    def loss(self, inputs: LossInputs) -> Tensor | None:
        """Binary cross-entropy at all editable positions. The target is ε + (1 − 2ε)·r, where r is 1 at a committed
        token that is right, 0 at one that is wrong, and at an open position the probability that the denoiser gives the
        right token, without gradient: how likely it is that what would be written is right."""
        where = inputs.state.editable
        if not where.any():
            return None
        hidden, clean = inputs.hidden[where], inputs.clean[where]
        with torch.no_grad():
            expected = inputs.model.logits(hidden).softmax(-1).gather(-1, clean[:, None])[:, 0]
            right = (inputs.state.tokens[where] == clean).to(expected)
            target = torch.where(inputs.state.committed[where], right, expected)
        target = self.smoothing + (1 - 2 * self.smoothing) * target
        return F.binary_cross_entropy_with_logits(self(hidden), target.float())


class HaltingHead(Head):
    """logit of P(the answer is right if stopped now), from hidden states and step summaries.

    z_i = SiLU(W[h_i; s_i]) at every editable position, then a two-layer map of [mean z; max z; min s; mean s] to one
    number. It starts with zero output weights and a negative bias: a head that stops too early at the start never sees
    the later steps it should learn from (Wang et al. 2025, HRM, arXiv 2506.21734).

    Args:
        width: D of the denoiser.
        summaries: S, how many of the step summaries it looks at, from the first on.
        inner: width of z.
        init_bias: the logit before training.
    """

    def __init__(self, width: int, summaries: int = 5, inner: int = 48, init_bias: float = -5.0):
        super().__init__()
        self.summaries = summaries
        self.each = nn.Sequential(nn.Linear(width + summaries, inner), nn.SiLU())
        last = nn.Linear(64, 1)
        self.all = nn.Sequential(nn.Linear(2 * inner + 2 * summaries, 64), nn.SiLU(), last)
        nn.init.zeros_(last.weight)
        nn.init.constant_(last.bias, init_bias)

    def forward(self, hidden: Tensor, summaries: Tensor, editable: Tensor) -> Tensor:
        """[B] logits from hidden [B, L, D], at least S summaries [B, L, …] and editable [B, L]."""
        summaries = summaries[..., : self.summaries]
        each = rowwise(self.each, torch.cat([hidden.float(), summaries], dim=-1))
        seen = editable[..., None]
        count = seen.sum(1).clamp(min=1)
        pooled = (each * seen).sum(1) / count, each.masked_fill(~seen, -1e4).amax(1)
        spread = summaries.masked_fill(~seen, 1e4).amin(1), (summaries * seen).sum(1) / count
        return rowwise(self.all, torch.cat([*pooled, *spread], dim=-1))[:, 0]

    def loss(self, inputs: LossInputs) -> Tensor | None:
        """Binary cross-entropy on the score of the answer if the row stopped now (Jolicoeur-Martineau 2025, TRM, arXiv
        2510.04871). The task scores it; it is 1 or 0 where an answer is right or wrong."""
        if inputs.outcome is None:
            return None
        outcome = inputs.outcome
        summaries = step_summaries(inputs.state, outcome.prediction, outcome.decision).detach()
        logit = self(inputs.hidden, summaries, inputs.state.editable)
        return F.binary_cross_entropy_with_logits(logit, outcome.score)


class DenoiserWithHeads(Delegating):
    """A denoiser and the heads trained on it, itself a denoiser: what every training stage begins and ends with.

    Args:
        denoiser: any module with the attributes of `core.denoiser.Denoiser`.
        heads: name → head. Those with `summary = True` are evaluated in every forward, at no further forward.

    Attributes:
        task: the task it is for, as `load` and `wrap` set it; None where that is not known.

    Raises:
        ValueError: a denoiser that lacks an attribute, naming it.
    """

    def __init__(self, denoiser: nn.Module, heads: Mapping[str, Head] | None = None):
        check_denoiser(denoiser)
        super().__init__(denoiser)
        self.heads = nn.ModuleDict(dict(heads or {}))
        self.task: Any = None

    def head(self, name: str) -> Head:
        """The head of that name.

        Raises:
            ValueError: a name that is not among the heads.
        """
        if name not in self.heads:
            there = ", ".join(self.heads) or "none"
            raise ValueError(f"the model has no head {name!r}; its heads are: {there}. Add it to `heads` in its config")
        return cast(Head, self.heads[name])

    def evaluate(self, state: SamplerState) -> Evaluation:
        """The denoiser's evaluation with the summaries of its heads."""
        return self.with_summaries(self.denoiser.evaluate(state))

    def with_summaries(self, evaluation: Evaluation) -> Evaluation:
        """An evaluation of the bare denoiser with the heads' summaries added."""
        heads = {name: self.head(name) for name in self.heads}
        found = {name: head.summarise(evaluation.hidden) for name, head in heads.items() if head.summary}
        return replace(evaluation, summaries={**evaluation.summaries, **found}) if found else evaluation
