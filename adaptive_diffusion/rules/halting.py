"""Is this query finished, and what does it answer?

A row also ends, under every rule, when its sequence is settled (`Decision.settled`) or the step limit is reached.
"""

import math
from abc import abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import ClassVar

import torch
from torch import Tensor

from adaptive_diffusion.core.logit_statistics import CurrentTokenProbability, Entropy, Top
from adaptive_diffusion.core.prediction import Logits, LogitStatistic, Prediction
from adaptive_diffusion.core.rule import Halting
from adaptive_diffusion.core.state import Decision, Finish, HaltDecision, HaltReason, SamplerState


@dataclass(frozen=True)
class AllCommitted(Halting):
    """Stop when nothing is open and nothing was revoked: the plain sampler, which only ever ends settled."""

    reason = HaltReason.SETTLED

    def __call__(self, state: SamplerState, prediction: Prediction, decision: Decision) -> HaltDecision:
        return HaltDecision(torch.zeros_like(decision.settled))


@dataclass(frozen=True)
class MaxSteps(Halting):
    """Stop after `steps` steps; what is still open is filled from the last prediction."""

    steps: int
    reason = HaltReason.FIXED

    def __post_init__(self) -> None:
        if self.steps < 1:
            raise ValueError(f"steps={self.steps}: a sampler takes at least 1 step")

    def __call__(self, state: SamplerState, prediction: Prediction, decision: Decision) -> HaltDecision:
        return HaltDecision(state.step + 1 >= self.steps)


@dataclass(frozen=True)
class StableAndConfident(Halting):
    """Stop when the argmax of the whole sequence has not changed for `stability` steps, which takes stability + 1 equal
    predictions, and the mean entropy of the processed logits is below the threshold; answer with the argmax everywhere
    (DiffusionGemma, Google 2026). With stability 0 every prediction is stable.

    It carries the last `stability` argmax training_states, [B, stability, L] int64.
    """

    stability: int = 1
    threshold: float = 0.005
    reason = HaltReason.STABLE
    finish = Finish.ARGMAX
    reads_committed = True

    def __post_init__(self) -> None:
        if self.stability < 0:
            raise ValueError(f"stability={self.stability} must not be negative")

    def logit_statistics(self) -> tuple[LogitStatistic, ...]:
        return Top(), Entropy()

    def init_carry(self, state: SamplerState, vocabulary: int) -> dict[str, Tensor]:
        batch, length = state.tokens.shape
        return {"stable.predictions": state.tokens.new_full((batch, self.stability, length), -1)}

    def update_carry(self, state: SamplerState, prediction: Prediction, decision: Decision) -> dict[str, Tensor]:
        later = torch.cat([state.carry["stable.predictions"], prediction["argmax"][:, None]], dim=1)
        return {"stable.predictions": later[:, 1:]}

    def __call__(self, state: SamplerState, prediction: Prediction, decision: Decision) -> HaltDecision:
        same = state.carry["stable.predictions"] == prediction["argmax"][:, None]
        stable = (same | ~state.eligible[:, None]).all(2).all(1)
        return HaltDecision(stable & (_mean(prediction["entropy"], state.eligible) < self.threshold))


@dataclass(frozen=True)
class LogitGap(LogitStatistic):
    """`logit_gap` z₍₁₎ − z₍₂₎, the lead of the largest logit."""

    def __call__(self, logits: Logits) -> dict[str, Tensor]:
        value = logits.values.topk(min(2, logits.values.shape[-1]), dim=-1).values
        return {"logit_gap": value[:, 0] - value[:, -1]}


class GapHalting(Halting):
    """Commit the rest at once when the mean logit gap over the answer, committed positions included, reaches a
    threshold that falls with progress, the share of `steps` that are done."""

    steps: int
    reason = HaltReason.CONFIDENT
    reads_committed = True

    def __post_init__(self) -> None:
        if self.steps < 1:
            raise ValueError(f"steps={self.steps} is no length to measure progress by; use at least 1")

    @abstractmethod
    def threshold(self, step: Tensor) -> Tensor:
        """The threshold at each row's step, elementwise."""

    def logit_statistics(self) -> tuple[LogitStatistic, ...]:
        return Top(), LogitGap()

    def __call__(self, state: SamplerState, prediction: Prediction, decision: Decision) -> HaltDecision:
        return HaltDecision(_mean(prediction["logit_gap"], state.eligible) >= self.threshold(state.step))


@dataclass(frozen=True)
class Prophet(GapHalting):
    """Gap at least 7.5 in the first third of the steps, 5 in the second, 2.5 in the last (Li et al. 2025, Prophet,
    arXiv 2508.19982)."""

    steps: int
    early: float = 7.5
    middle: float = 5.0
    late: float = 2.5

    def threshold(self, step: Tensor) -> Tensor:
        late = torch.where(3 * step < 2 * self.steps, self.middle, self.late)
        return torch.where(3 * step < self.steps, self.early, late)


@dataclass(frozen=True)
class Sched(GapHalting):
    """Gap at least τ(r) = low + (high − low)·e^(−rate·r) at progress r: a threshold that falls smoothly (Mohamed et al.
    2025, SchED, arXiv 2512.02892)."""

    steps: int
    high: float = 7.5
    low: float = 0.0
    rate: float = 2.0

    def threshold(self, step: Tensor) -> Tensor:
        return self.low + (self.high - self.low) * (-self.rate * step.double() / self.steps).exp()


@dataclass(frozen=True)
class RunToCompletion(AllCommitted):
    """`AllCommitted`, but reading what a learned halting head reads: the halting of rollouts that such a head learns
    from, which must go on past the point where it would stop."""

    reads_committed = True

    def logit_statistics(self) -> tuple[LogitStatistic, ...]:
        return Top(), CurrentTokenProbability(), Entropy()


class HeadHalting(Halting):
    """Halting by a head: `head(hidden [B, L, D], summaries [B, L, S], editable [B, L])` says something of each row, and
    the rule makes a halt_decision of it."""

    head: Callable[[Tensor, Tensor, Tensor], Tensor]
    reason = HaltReason.LEARNED
    reads_committed = True
    settings: ClassVar[tuple[float, ...]]
    """Values of its threshold, margin or price among which a budget or an accuracy is looked for."""

    @abstractmethod
    def with_threshold(self, setting: float) -> "HeadHalting":
        """The same rule at another threshold, margin or price."""

    @abstractmethod
    def decide(self, head_output: Tensor) -> HaltDecision:
        """Who stops, from what the head head_output [B, …] alone: so a rule can be tried on recorded rollouts too."""

    def logit_statistics(self) -> tuple[LogitStatistic, ...]:
        return Top(), CurrentTokenProbability(), Entropy()

    def __call__(self, state: SamplerState, prediction: Prediction, decision: Decision) -> HaltDecision:
        summaries = step_summaries(state, prediction, decision)
        return self.decide(self.head(prediction.evaluation.hidden, summaries, state.editable))


@dataclass(frozen=True)
class LearnedHalting(HeadHalting):
    """Stop when the head's P(answer right if stopped now) reaches the threshold; trained by binary cross-entropy as in
    TRM (Jolicoeur-Martineau 2025, arXiv 2510.04871), but halting at evaluation.

    The head gives logits [B]. With a head trained as a policy, or as PonderNet's, the probability is that of stopping.
    """

    head: Callable[[Tensor, Tensor, Tensor], Tensor]
    threshold: float = 0.9
    settings = tuple(1 / (1 + math.exp(-0.1 * logit)) for logit in range(-40, 81))

    def with_threshold(self, setting: float) -> "LearnedHalting":
        return replace(self, threshold=setting)

    def decide(self, head_output: Tensor) -> HaltDecision:
        probability = head_output.float().sigmoid()
        return HaltDecision(probability >= self.threshold, probability)


@dataclass(frozen=True)
class SampledHalting(LearnedHalting):
    """Stop with the probability that the head says, drawn from the row's own noise: how a policy of stopping explores
    while it is trained by policy gradient (Williams 1992, REINFORCE, doi 10.1007/BF00992696)."""

    def __call__(self, state: SamplerState, prediction: Prediction, decision: Decision) -> HaltDecision:
        halt_decision = super().__call__(state, prediction, decision)
        assert halt_decision.probability is not None
        return replace(halt_decision, stop=self.drawn(state, halt_decision.probability))

    @staticmethod
    def drawn(state: SamplerState, probability: Tensor) -> Tensor:
        """[B] bool: the same probability at the same step draws the same again."""
        return state.noise.once_a_step("halting") < probability.double()


def _mean(value: Tensor, over: Tensor) -> Tensor:
    """[B] means of [B, L] over the positions `over` [B, L]."""
    return (value.double() * over).sum(1) / over.sum(1).clamp(min=1)


def step_summaries(state: SamplerState, prediction: Prediction, decision: Decision) -> Tensor:
    """[B, L, 8] float32, what a halting head may know of each position: top-1 probability and margin, whether it stays
    open, whether it is taken back, how probable the answer's token is if the row stopped now, entropy, how often it was
    taken back before, and a tenth of the row's steps so far."""
    stays_open = decision.still_open(state)
    kept = state.revisable & ~decision.remask & ~decision.write
    answer = torch.where(kept, prediction["current_token_probability"], prediction["confidence"])
    steps = (state.step / 10)[:, None].expand_as(answer)
    first = prediction["confidence"], prediction["margin"], stays_open, decision.remask, answer
    columns = *first, prediction["entropy"], state.revisions, steps
    return torch.stack([column.float() for column in columns], dim=-1)
