"""Ψ-samplers (Deschenaux, Gulcehre and Sahoo 2026, arXiv 2602.21185) and the greedy tail of Duo (Sahoo et al. 2025,
arXiv 2506.10892)."""

from abc import ABC, abstractmethod
from dataclasses import dataclass, field, replace

import torch
from torch import Tensor

from adaptive_diffusion.core.logit_statistics import Top
from adaptive_diffusion.core.prediction import Logits, LogitStatistic, Prediction
from adaptive_diffusion.core.state import Candidate, Decision, SamplerState
from adaptive_diffusion.rules.plan_wrapper import PlanWrapper
from adaptive_diffusion.rules.plans.uniform import (
    Clock,
    Redrawing,
    drawn,
    is_noise,
    levels_of,
    noise_tokens_of,
    posterior_mass,
)


class Kappa(ABC):
    """The share κ of the posterior in a Ψ-step; the rest is drawn as if the predicted clean sequence were noised
    anew."""

    @abstractmethod
    def __call__(self, alpha_t: Tensor, alpha_s: Tensor) -> Tensor:
        """κ in [0, 1], elementwise, for α before and after the step."""


@dataclass(frozen=True)
class ConstantKappa(Kappa):
    """κ = `value`; 1 is the posterior, 0 noises the prediction anew in every step."""

    value: float = 0.95

    def __call__(self, alpha_t: Tensor, alpha_s: Tensor) -> Tensor:
        return torch.full_like(alpha_t, self.value)


class RemaskingKappa(Kappa):
    """κ = 1 − σ/(1 − α_s), within [0, 1]: σ is what ReMDM takes out."""

    @abstractmethod
    def remask_probability(self, alpha_t: Tensor, alpha_s: Tensor) -> Tensor:
        """σ, elementwise."""

    def __call__(self, alpha_t: Tensor, alpha_s: Tensor) -> Tensor:
        return (1 - self.remask_probability(alpha_t, alpha_s) / (1 - alpha_s).clamp(min=1e-300)).clamp(0, 1)


@dataclass(frozen=True)
class ConstantRemasking(RemaskingKappa):
    """σ = η."""

    eta: float = 0.02

    def remask_probability(self, alpha_t: Tensor, alpha_s: Tensor) -> Tensor:
        return torch.full_like(alpha_t, self.eta)


@dataclass(frozen=True)
class CappedRemasking(RemaskingKappa):
    """σ = min(η, σ_max), σ_max = (1 − α_s)/α_t."""

    eta: float = 0.008

    def remask_probability(self, alpha_t: Tensor, alpha_s: Tensor) -> Tensor:
        return ((1 - alpha_s) / alpha_t.clamp(min=1e-300)).clamp(max=self.eta)


@dataclass(frozen=True)
class RescaledRemasking(RemaskingKappa):
    """σ = η·min(1, σ_max). The authors' code has η·min(η, σ_max), which squares a small η."""

    eta: float = 0.015

    def remask_probability(self, alpha_t: Tensor, alpha_s: Tensor) -> Tensor:
        return self.eta * ((1 - alpha_s) / alpha_t.clamp(min=1e-300)).clamp(max=1)


def psi_mass(
    p: Tensor, standing: Tensor, alpha_t: Tensor, alpha_s: Tensor, kappa: Tensor, noise_tokens: int | None = None
) -> Tensor:
    """[P, V] float64, κ·q(x_s | x_t) + (1 − κ)·[α_s·q(x_0 | x_t) + (1 − α_s)/K] for a leave-one-out prediction p [P,
    V], the token that stands [P], α and κ [P, 1]; the last term, noise, belongs to the first K = `noise_tokens` tokens
    (by default all V)."""
    vocabulary = p.shape[-1] if noise_tokens is None else noise_tokens
    total = alpha_t * vocabulary * p.gather(-1, standing[:, None]) + 1 - alpha_t
    posterior = posterior_mass(p, standing, alpha_t, alpha_s, vocabulary) / total
    clean = posterior_mass(p, standing, alpha_t, torch.ones_like(alpha_s), vocabulary) / total
    noise = (1 - alpha_s) / vocabulary * is_noise(p, vocabulary)
    return kappa * posterior + (1 - kappa) * (alpha_s * clean + noise)


@dataclass(frozen=True)
class PsiDraw(LogitStatistic):
    """`psi` [P], x_s drawn from `psi_mass`, and its probability."""

    clock: Clock
    kappa: Kappa

    def __call__(self, logits: Logits) -> dict[str, Tensor]:
        now, later = levels_of(self.clock, logits)
        p = logits.values.double().softmax(-1)
        kappa = self.kappa(now, later)
        mass = psi_mass(p, logits.standing, now, later, kappa, noise_tokens_of(logits))
        return drawn(mass, logits, "psi")


@dataclass(frozen=True)
class PsiSampling(Redrawing):
    """x_s drawn from the posterior with probability κ, and else from the predicted clean sequence noised anew to α_s,
    for a leave-one-out denoiser. κ = 1 is `UniformPosterior`. One κ serves all steps."""

    steps: int
    kappa: Kappa = field(default_factory=CappedRemasking)

    def logit_statistics(self) -> tuple[LogitStatistic, ...]:
        return (PsiDraw(self.clock, self.kappa),)

    def __call__(self, state: SamplerState, prediction: Prediction, candidate: Candidate) -> Decision:
        return self.redrawn(state, prediction["psi"], prediction["psi_probability"])


@dataclass(frozen=True)
class GreedyTail(PlanWrapper):
    """After the clock of the inner plan has run out, one more forward: the argmax of its prediction is written at every
    position (Duo's greedy tail)."""

    reads_committed = True

    def logit_statistics(self) -> tuple[LogitStatistic, ...]:
        return *self.inner.logit_statistics(), Top()

    def horizon(self, length: int) -> int:
        return self.inner.horizon(length) + 1

    def __call__(self, state: SamplerState, prediction: Prediction, candidate: Candidate) -> Decision:
        decision = self.inner(state, prediction, candidate)
        tail = state.noise_level <= 0
        now = tail[:, None]
        nothing = torch.zeros_like(decision.write)
        return replace(
            decision,
            write=torch.where(now, state.eligible, decision.write),
            token=torch.where(now, prediction["argmax"], decision.token),
            probability=torch.where(now, prediction["confidence"].to(decision.probability), decision.probability),
            remask=torch.where(now, nothing, decision.remask),
            renoise=torch.where(now, nothing, decision.renoise),
            settled=tail,
        )
