"""What replaces committed tokens at once, around any plan that commits them."""

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from adaptive_diffusion.core.logit_statistics import Top
from adaptive_diffusion.core.prediction import LogitStatistic, Prediction
from adaptive_diffusion.core.state import Candidate, Decision, SamplerState
from adaptive_diffusion.rules.plan_wrapper import PlanWrapper
from adaptive_diffusion.rules.proposal import DrawReading


@dataclass(frozen=True)
class TokenEditing(PlanWrapper):
    """A committed token is replaced when the drawn one differs and has p > `threshold`, also while positions are still
    open; the row is settled when nothing of a full sequence was edited, or after `extra` looks at one
    (LLaDA2.1, Bie et al. 2026, arXiv 2602.08676; diffusers uses .7 to commit and .5 to edit).
    """

    threshold: float = 0.9
    extra: int = 16
    revises = True
    reads_committed = True

    def init_carry(self, state: SamplerState, vocabulary: int) -> dict[str, Tensor]:
        return {**self.inner.init_carry(state, vocabulary), "editing.extra": torch.zeros_like(state.step)}

    def update_carry(self, state: SamplerState, prediction: Prediction, decision: Decision) -> dict[str, Tensor]:
        full = ~state.open.any(1)
        return {
            **self.inner.update_carry(state, prediction, decision),
            "editing.extra": state.carry["editing.extra"] + full.long(),
        }

    def horizon(self, length: int) -> int:
        return self.inner.horizon(length) + self.extra

    def __call__(self, state: SamplerState, prediction: Prediction, candidate: Candidate) -> Decision:
        decision = self.inner(state, prediction, candidate)
        edit = state.revisable & (candidate.token != state.tokens) & (candidate.probability > self.threshold)
        edit &= ~decision.remask
        decision = replace(decision, write=decision.write | edit)
        looked = ~state.open.any(1)
        spent = state.carry["editing.extra"] + looked.long() >= self.extra
        full = ~decision.still_open(state).any(1)
        return replace(decision, settled=full & (spent | (looked & ~edit.any(1))))


@dataclass(frozen=True)
class SelfCorrection(PlanWrapper):
    """Once the inner plan has filled the sequence: at noise level `level`, a candidate is drawn at `temperature` for
    every position, and the one with the largest p that differs from the token standing there replaces it. Settled at a
    fixed point, or after `patience` steps in which no more tokens agreed with the argmax than ever before (von Rütte et
    al. 2025, GIDD, arXiv 2503.04482). At most `cap` corrections.
    """

    level: float = 0.01
    temperature: float = 0.1
    patience: int = 32
    cap: int = 128
    revises = True
    reads_committed = True

    def logit_statistics(self) -> tuple[LogitStatistic, ...]:
        return *self.inner.logit_statistics(), Top(), DrawReading(self.temperature, "correction")

    def init_carry(self, state: SamplerState, vocabulary: int) -> dict[str, Tensor]:
        none = torch.zeros_like(state.step)
        return {
            **self.inner.init_carry(state, vocabulary),
            "correction.best": none - 1,
            "correction.waited": none,
            "correction.steps": none,
        }

    def update_carry(self, state: SamplerState, prediction: Prediction, decision: Decision) -> dict[str, Tensor]:
        full = ~state.open.any(1)
        agreement, most = self._agreement(state, prediction), state.carry["correction.best"]
        better = agreement > most
        return {
            **self.inner.update_carry(state, prediction, decision),
            "correction.best": torch.where(full, agreement.maximum(most), most),
            "correction.waited": torch.where(full & ~better, state.carry["correction.waited"] + 1, 0),
            "correction.steps": state.carry["correction.steps"] + full.long(),
        }

    def _agreement(self, state: SamplerState, prediction: Prediction) -> Tensor:
        return (state.eligible & (prediction["argmax"] == state.tokens)).sum(1)

    def horizon(self, length: int) -> int:
        return self.inner.horizon(length) + self.cap

    def __call__(self, state: SamplerState, prediction: Prediction, candidate: Candidate) -> Decision:
        decision = self.inner(state, prediction, candidate)
        full = ~state.open.any(1)
        token, probability = prediction["correction"], prediction["correction_probability"]
        differs = state.eligible & (token != state.tokens)
        surest = probability.masked_fill(~differs, -1.0).argmax(1, keepdim=True)
        edit = torch.zeros_like(differs).scatter(1, surest, True) & differs
        better = self._agreement(state, prediction) > state.carry["correction.best"]
        waited = torch.where(better, 0, state.carry["correction.waited"] + 1) >= self.patience
        spent = state.carry["correction.steps"] + 1 >= self.cap
        now = full[:, None]
        filled = ~decision.still_open(state).any(1)
        return Decision(
            write=torch.where(now, edit, decision.write),
            token=torch.where(now, token, decision.token),
            probability=torch.where(now, probability.to(decision.probability), decision.probability),
            remask=decision.remask & ~now,
            renoise=decision.renoise & ~now,
            noise_level=decision.noise_level.masked_fill(filled | full, self.level),
            settled=full & (~differs.any(1) | waited | spent),
        )
