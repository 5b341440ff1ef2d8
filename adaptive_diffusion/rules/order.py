"""Which open positions first? A score per position; the highest are committed first, ties by position."""

from dataclasses import dataclass

import torch
from torch import Tensor

from adaptive_diffusion.core.logit_statistics import Entropy, Top
from adaptive_diffusion.core.prediction import LogitStatistic, Prediction
from adaptive_diffusion.core.rule import UnmaskingOrder
from adaptive_diffusion.core.state import Candidate, SamplerState


@dataclass(frozen=True)
class Random(UnmaskingOrder):
    """Every open position alike; with a binomial count, ancestral sampling (Sahoo et al. 2024, arXiv 2406.07524)."""

    draws = True

    def __call__(self, state: SamplerState, prediction: Prediction, candidate: Candidate) -> Tensor:
        return state.noise.everywhere("order", state.tokens.shape[1])


@dataclass(frozen=True)
class LeftToRight(UnmaskingOrder):
    """The open positions in the order of the sequence: with one position a step, what an autoregressive model does."""

    def __call__(self, state: SamplerState, prediction: Prediction, candidate: Candidate) -> Tensor:
        return torch.zeros(state.tokens.shape, device=state.tokens.device)


@dataclass(frozen=True)
class Confidence(UnmaskingOrder):
    """The candidate's probability (Chang et al. 2022, arXiv 2202.04200; "low confidence" in Nie et al. 2025, arXiv
    2502.09992)."""

    def __call__(self, state: SamplerState, prediction: Prediction, candidate: Candidate) -> Tensor:
        return candidate.probability


@dataclass(frozen=True)
class Margin(UnmaskingOrder):
    """p₍₁₎ − p₍₂₎, the lead of the best token over the second (Kim et al. 2025, arXiv 2502.06768)."""

    def logit_statistics(self) -> tuple[LogitStatistic, ...]:
        return (Top(),)

    def __call__(self, state: SamplerState, prediction: Prediction, candidate: Candidate) -> Tensor:
        return prediction["margin"]


@dataclass(frozen=True)
class LowEntropy(UnmaskingOrder):
    """Σ p log p, the least uncertain first (Ye et al. 2025, Dream, arXiv 2508.15487)."""

    def logit_statistics(self) -> tuple[LogitStatistic, ...]:
        return (Entropy(),)

    def __call__(self, state: SamplerState, prediction: Prediction, candidate: Candidate) -> Tensor:
        return -prediction["entropy"]


@dataclass(frozen=True)
class GumbelConfidence(UnmaskingOrder):
    """log c + τ(1 − r)·g with Gumbel noise g and progress r = (step + 1)/steps: confidence, at first loosely (Chang et
    al. 2022, MaskGIT, arXiv 2202.04200). At τ = 0 it is `Confidence`.

    Attributes:
        steps: of the pace it goes with.
        temperature: τ.
    """

    steps: int
    temperature: float = 4.5
    draws = True

    def __call__(self, state: SamplerState, prediction: Prediction, candidate: Candidate) -> Tensor:
        uniform = state.noise.everywhere("order", state.tokens.shape[1]).clamp(min=2.0**-54)
        gumbel = -(-uniform.log()).log()
        left = (1 - (state.step + 1).double() / self.steps).clamp(min=0)
        return candidate.probability.double().log() + self.temperature * left[:, None] * gumbel
