"""The reverse process of mixed noise and the self-correction after it (von Rütte et al. 2025, GIDD, arXiv
2503.04482)."""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from adaptive_diffusion.core.corruption import Corruption
from adaptive_diffusion.core.logit_statistics import Top
from adaptive_diffusion.core.prediction import Logits, LogitStatistic, Prediction
from adaptive_diffusion.core.rule import ABSORBING, Plan
from adaptive_diffusion.core.state import Candidate, Decision, SamplerState
from adaptive_diffusion.rules.plan_wrapper import PlanWrapper
from adaptive_diffusion.rules.proposal import inverse_cdf


def reverse_probability(corruption: Corruption, p: Tensor, token: Tensor, t: Tensor, s: Tensor) -> Tensor:
    """[P, V] float64, q(z_s | z_t = `token`) = q(z_t | z_s)·q_s(z_s)/q_t(z_t) for predictions p [P, K] of the clean
    token and levels s < t [P]; V counts the mask too, where there is one. Exact for a leave-one-out p.

    q_t = α_t·p + β_t is the marginal of p, β_t the mass of noise, and q(z_t | z_s) = a·1[z_s = z_t] + β_t(z_t) −
    a·β_s(z_t) with a = α_t/α_s.
    """
    schedule, vocabulary = corruption.schedule, p.shape[-1]
    at, later = schedule.alpha(t.double())[:, None], schedule.alpha(s.double())[:, None]
    here, retained = token[:, None], at / later.clamp(min=1e-300)
    noise = (1 - at) * corruption.mixing(t, vocabulary) - retained * (1 - later) * corruption.mixing(s, vocabulary)
    stands = F.one_hot(token, noise.shape[-1])
    transition = retained * stands + noise.gather(-1, here).clamp(min=0)
    now = corruption.marginal(p, t).gather(-1, here)
    return transition * corruption.marginal(p, s) / now.clamp(min=1e-300)


@dataclass(frozen=True)
class MixedClock:
    """Levels between `edge` and 1 − `edge` in equal distances.

    `steps` forwards make steps − 1 transitions: the first starts at the last level but one, the last has no level to go
    to.
    """

    steps: int
    edge: float = 1e-4

    def __post_init__(self) -> None:
        if self.steps < 1 or not 0 < self.edge < 0.5:
            raise ValueError(f"steps={self.steps} must be at least 1 and edge={self.edge} between 0 and 1/2")

    def level(self, step: Tensor) -> Tensor:
        """float64 noise level before a step, elementwise."""
        left = (self.steps - 1 - step).clamp(min=0)
        return self.edge + (1 - 2 * self.edge) * left.double() / self.steps


@dataclass(frozen=True)
class MixedPosterior(LogitStatistic):
    """`gidd` [P], z_s drawn from `reverse_probability`, a clean token or the mask, and `gidd_probability`."""

    clock: MixedClock

    def __call__(self, logits: Logits) -> dict[str, Tensor]:
        state = logits.state
        t = state.noise_level[logits.rows]
        s = self.clock.level(state.step + 1)[logits.rows].minimum(t)
        mass = reverse_probability(state.corruption, logits.values.double().softmax(-1), logits.standing, t, s)
        token = inverse_cdf(mass, logits.uniforms("gidd"))
        probability = (mass / mass.sum(-1, keepdim=True)).gather(-1, token[:, None])[:, 0]
        return {"gidd": token, "gidd_probability": probability}


@dataclass(frozen=True)
class MixedPosteriorSampling(Plan):
    """Every position is drawn anew from the posterior of mixed noise: an open one commits or stays open, a committed
    one stays, changes to another token or is remasked. The last of `steps` steps writes the candidate at what is still
    open.

    Exact for a denoiser trained on the likelihood bound, whose prediction leaves a token's own evidence out. Under
    masks alone it is ancestral sampling.

    Raises:
        ValueError: fewer than one step.
    """

    steps: int
    corruptions = ABSORBING
    reads_committed = True
    bounded = True
    commits_noise = True
    draws = True

    @property
    def clock(self) -> MixedClock:
        """The levels of its steps."""
        return MixedClock(self.steps)

    def __post_init__(self) -> None:
        assert self.clock

    def first_level(self, state: SamplerState) -> Tensor:
        return self.clock.level(torch.zeros_like(state.step))

    def logit_statistics(self) -> tuple[LogitStatistic, ...]:
        return (MixedPosterior(self.clock),)

    def horizon(self, length: int) -> int:
        return self.steps

    def __call__(self, state: SamplerState, prediction: Prediction, candidate: Candidate) -> Decision:
        drawn = prediction["gidd"]
        last = (state.step + 1 >= self.steps)[:, None]
        nothing = torch.zeros_like(state.open)
        clean = drawn != state.corruption.noise(drawn, lambda: drawn.double())
        change = state.eligible & clean & (drawn != state.tokens)
        return Decision(
            write=torch.where(last, state.open, change),
            token=torch.where(last, candidate.token, drawn),
            probability=torch.where(last, candidate.probability.double(), prediction["gidd_probability"]).float(),
            remask=state.revisable & ~clean & ~last,
            renoise=nothing,
            noise_level=self.clock.level(state.step + 1),
            settled=last[:, 0],
        )


@dataclass(frozen=True)
class TemperedDraw(LogitStatistic):
    """`correction` [P], drawn from softmax(logits/temperature), and `correction_probability`, the tempered one."""

    temperature: float

    def __call__(self, logits: Logits) -> dict[str, Tensor]:
        mass = (logits.values / self.temperature).softmax(-1)
        token = inverse_cdf(mass, logits.uniforms("correction"))
        return {"correction": token, "correction_probability": mass.gather(-1, token[:, None])[:, 0]}


@dataclass(frozen=True)
class SelfCorrection(PlanWrapper):
    """Once the inner plan is done and the sequence full: at noise level `level`, a candidate is drawn at `temperature`
    for every position, and the one with the largest tempered p among those that differ from the token standing there
    replaces it. A row is settled at a fixed point, after `cap` corrections, or in the step that exceeds `patience`
    steps in a row after which no more tokens agreed with the argmax than ever before; that step corrects nothing.

    The inner plan is done when it settles, or when its clock is at `level` or below and nothing is open.

    It carries, [B] int64 each, the largest agreement, the steps waited and the corrections made.
    """

    level: float = 0.01
    temperature: float = 0.1
    patience: int = 32
    cap: int = 128
    revises = True
    reads_committed = True
    draws = True

    def logit_statistics(self) -> tuple[LogitStatistic, ...]:
        return *self.inner.logit_statistics(), Top(), TemperedDraw(self.temperature)

    def init_carry(self, state: SamplerState, vocabulary: int) -> dict[str, Tensor]:
        zero = torch.zeros_like(state.step)
        return {
            **self.inner.init_carry(state, vocabulary),
            "correction.best": zero,
            "correction.waited": zero,
            "correction.steps": zero,
        }

    def update_carry(self, state: SamplerState, prediction: Prediction, decision: Decision) -> dict[str, Tensor]:
        correcting, most = self.correcting(state), state.carry["correction.best"]
        agreement = self._agreement(state, prediction, decision.tokens_after(state))
        waited = torch.where(agreement > most, 0, state.carry["correction.waited"] + 1)
        return {
            **self.inner.update_carry(state, prediction, decision),
            "correction.best": torch.where(correcting, agreement.maximum(most), most),
            "correction.waited": torch.where(correcting, waited, 0),
            "correction.steps": state.carry["correction.steps"] + correcting.long(),
        }

    def correcting(self, state: SamplerState) -> Tensor:
        """[B] bool, rows whose inner plan is done."""
        return ~state.open.any(1) & (state.noise_level <= self.level)

    def _agreement(self, state: SamplerState, prediction: Prediction, tokens: Tensor) -> Tensor:
        return (state.eligible & (prediction["argmax"] == tokens)).sum(1)

    def horizon(self, length: int) -> int:
        return self.inner.horizon(length) + self.cap

    def __call__(self, state: SamplerState, prediction: Prediction, candidate: Candidate) -> Decision:
        decision = self.inner(state, prediction, candidate)
        correcting = self.correcting(state)
        token, probability = prediction["correction"], prediction["correction_probability"]
        differs = state.eligible & (token != state.tokens)
        largest = probability.masked_fill(~differs, -1.0).argmax(1, keepdim=True)
        edit = torch.zeros_like(differs).scatter(1, largest, True) & differs
        agreement = self._agreement(state, prediction, torch.where(edit, token, state.tokens))
        waited = torch.where(agreement > state.carry["correction.best"], 0, state.carry["correction.waited"] + 1)
        impatient = waited > self.patience
        spent = state.carry["correction.steps"] + 1 >= self.cap
        now = correcting[:, None]
        return Decision(
            write=torch.where(now, edit & ~impatient[:, None], decision.write),
            token=torch.where(now, token, decision.token),
            probability=torch.where(now, probability.to(decision.probability), decision.probability),
            remask=decision.remask & ~now,
            renoise=decision.renoise & ~now,
            noise_level=decision.noise_level.masked_fill(decision.settled | correcting, self.level),
            settled=correcting & (~differs.any(1) | impatient | spent),
        )
