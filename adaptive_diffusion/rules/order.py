"""Which open positions first? A score per position; the highest are committed first, ties by position."""

from dataclasses import dataclass

from torch import Tensor

from adaptive_diffusion.core.part import UnmaskingOrder
from adaptive_diffusion.core.prediction import Prediction, Reading
from adaptive_diffusion.core.readings import Top
from adaptive_diffusion.core.state import Candidate, SamplerState


@dataclass(frozen=True)
class Random(UnmaskingOrder):
    """Every open position alike; with a binomial count, ancestral sampling (Sahoo et al. 2024, arXiv 2406.07524)."""

    def __call__(self, state: SamplerState, prediction: Prediction, candidate: Candidate) -> Tensor:
        return state.noise.everywhere("order", state.tokens.shape[1])


@dataclass(frozen=True)
class Confidence(UnmaskingOrder):
    """The candidate's probability (Chang et al. 2022, arXiv 2202.04200; "low confidence" in Nie et al. 2025, arXiv
    2502.09992)."""

    def __call__(self, state: SamplerState, prediction: Prediction, candidate: Candidate) -> Tensor:
        return candidate.probability


@dataclass(frozen=True)
class Margin(UnmaskingOrder):
    """p₍₁₎ − p₍₂₎, the lead of the best token over the second (Kim et al. 2025, arXiv 2502.06768)."""

    def reads(self) -> tuple[Reading, ...]:
        return (Top(),)

    def __call__(self, state: SamplerState, prediction: Prediction, candidate: Candidate) -> Tensor:
        return prediction["margin"]
