"""Paces whose count follows the prediction: bounds on the joint error of what is committed together."""

from dataclasses import dataclass

import torch
from torch import Tensor

from adaptive_diffusion.core.logit_statistics import Entropy
from adaptive_diffusion.core.parameters import check_probability, check_steps
from adaptive_diffusion.core.prediction import LogitStatistic, Prediction
from adaptive_diffusion.core.rule import Revision, UnmaskingPace
from adaptive_diffusion.core.state import SamplerState
from adaptive_diffusion.rules.pace import even_quota


@dataclass(frozen=True)
class Factor(UnmaskingPace):
    """The largest n with (n + 1)(1 − c₍ₙ₎) < f, at least 1; c₍ₙ₎ the n-th largest score (Wu et al. 2025, Fast-dLLM,
    arXiv 2505.22618)."""

    factor: float = 1.0

    def __call__(
        self, state: SamplerState, prediction: Prediction, score: Tensor, revision: Revision, next_level: Tensor
    ) -> Tensor:
        ranked = score.double().masked_fill(~state.open, -torch.inf).sort(dim=1, descending=True).values
        n = torch.arange(1, score.shape[1] + 1, device=score.device)
        return ((n + 1) * (1 - ranked) < self.factor).sum(1).clamp(min=1)


@dataclass(frozen=True)
class EntropyBound(UnmaskingPace):
    """The largest prefix of the order with ΣH − max H ≤ γ, at least 1: a bound on the mutual information of what is
    committed together, so on the error of committing it independently (Ben-Hamu et al. 2025, arXiv 2505.24857).

    With the order `LowEntropy` this is the paper's main rule; γ = 0 commits one position a step, ties and certain
    tokens aside.
    """

    gamma: float = 0.1

    def logit_statistics(self) -> tuple[LogitStatistic, ...]:
        return (Entropy(),)

    def __call__(
        self, state: SamplerState, prediction: Prediction, score: Tensor, revision: Revision, next_level: Tensor
    ) -> Tensor:
        return bounded_prefix(score, prediction["entropy"], state.open, self.gamma).clamp(min=1)


def bounded_prefix(score: Tensor, entropy: Tensor, among: Tensor, gamma: float) -> Tensor:
    """[B] int64, how many of the highest scores [B, L] of `among` [B, L] keep ΣH − max H ≤ γ, entropy [B, L] in
    nats."""
    order = score.masked_fill(~among, -torch.inf).sort(dim=1, descending=True, stable=True).indices
    ranked = entropy.double().masked_fill(~among, torch.inf).gather(1, order)
    bound = ranked.cumsum(1) - ranked.cummax(1).values
    return (bound <= gamma).sum(1)


@dataclass(frozen=True)
class Quota(UnmaskingPace):
    """{c > τ}, or the best N/steps where that is fewer (the remainder to the early steps): block refinement in LLaDA2
    (Bie et al. 2025, arXiv 2512.15745; diffusers' block refinement).

    Raises:
        ValueError: fewer than one step, or a threshold that is no probability.
    """

    threshold: float = 0.95
    steps: int = 32

    def __post_init__(self) -> None:
        check_steps(self.steps, "gives no quota")
        check_probability(self.threshold)

    def __call__(
        self, state: SamplerState, prediction: Prediction, score: Tensor, revision: Revision, next_level: Tensor
    ) -> Tensor:
        quota = even_quota(state, self.steps)
        return (state.open & (score > self.threshold)).sum(1).maximum(quota).clamp(min=1)
