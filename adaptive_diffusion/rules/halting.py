"""Is this query finished, and how is its answer read off? Rules without learning.

A row also ends, under every rule, when its sequence is settled (`Decision.settled`) or the step limit is reached.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from adaptive_diffusion.core.logit_statistics import CurrentTokenProbability, Entropy, Top
from adaptive_diffusion.core.parameters import check_steps
from adaptive_diffusion.core.prediction import Logits, LogitStatistic, Prediction
from adaptive_diffusion.core.rule import Halting
from adaptive_diffusion.core.state import Decision, Finish, HaltDecision, SamplerState
from adaptive_diffusion.core.step_summaries import SummarisedHalting


@dataclass(frozen=True)
class AllCommitted(Halting):
    """Never stop a row early: the plain sampler, which ends when its plan settles."""

    reason = "all_committed"
    sentence = "every position is committed"

    def __call__(self, state: SamplerState, prediction: Prediction, decision: Decision) -> HaltDecision:
        return HaltDecision(torch.zeros_like(decision.settled))


@dataclass(frozen=True)
class RunToCompletion(SummarisedHalting):
    """Never stop a row, but compute what a learned halting head looks at: the halting of rollouts that such a head
    learns from, which must go on past the point where it would stop."""

    reason = "all_committed"
    sentence = "every position is committed"

    def __call__(self, state: SamplerState, prediction: Prediction, decision: Decision) -> HaltDecision:
        return HaltDecision(torch.zeros_like(decision.settled))


@dataclass(frozen=True)
class MaxSteps(Halting):
    """Stop after `steps` steps; what is still open is filled from the last prediction.

    Raises:
        ValueError: fewer than one step.
    """

    steps: int
    reason = "max_steps"
    sentence = "the fixed number of steps was reached"

    def __post_init__(self) -> None:
        if self.steps < 1:
            raise ValueError(f"steps={self.steps}: a sampler takes at least 1 step")

    def __call__(self, state: SamplerState, prediction: Prediction, decision: Decision) -> HaltDecision:
        return HaltDecision(state.step + 1 >= self.steps)


@dataclass(frozen=True)
class StableAndConfident(Halting):
    """Stop when the argmax at all eligible positions has not changed for `stability` steps, which takes stability + 1
    equal predictions, and the mean entropy of the processed logits is below the threshold; answer with the argmax
    everywhere (DiffusionGemma, Google 2026). With stability 0 every prediction is stable.

    It carries the last `stability` argmax sequences, [B, stability, L] int64.

    Raises:
        ValueError: a negative stability.
    """

    stability: int = 1
    threshold: float = 0.005
    reason = "stable"
    sentence = "the prediction stopped changing and is confident"
    explanation = "mean entropy {entropy:.4f}, prediction unchanged: {stable:.0f}"
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
        entropy = mean_over(prediction["entropy"], state.eligible)
        return HaltDecision(stable & (entropy < self.threshold), seen={"entropy": entropy, "stable": stable.double()})


@dataclass(frozen=True)
class LogitGap(LogitStatistic):
    """`logit_gap` z₍₁₎ − z₍₂₎, the lead of the largest logit before any processor: a temperature would scale it, and a
    nucleus of one token would make it infinite."""

    def __call__(self, logits: Logits) -> dict[str, Tensor]:
        value = logits.raw.topk(min(2, logits.raw.shape[-1]), dim=-1).values
        return {"logit_gap": value[:, 0] - value[:, -1]}


@dataclass(frozen=True)
class Prophet(Halting):
    """Fill the complete answer at once when the mean logit gap z₍₁₎ − z₍₂₎ over all positions of the answer, committed
    ones included, reaches a threshold: 7.5 while progress is below .33, 5 while it is below .67, then 2.5. Progress is
    (n + 1)/`steps` in the forward after n steps (Li et al. 2025, Prophet, arXiv 2508.19982).

    Attributes:
        steps: the steps of the complete answer; with blocks, those of a block times the number of blocks.

    Raises:
        ValueError: fewer than one step.
    """

    steps: int
    early: float = 7.5
    middle: float = 5.0
    late: float = 2.5
    reason = "confident"
    sentence = "the prediction was confident enough to commit the rest at once"
    explanation = "mean logit gap {gap:.2f}; it stops at {threshold:.2f}"
    ends_answer = True
    reads_committed = True
    reads_all_blocks = True

    def __post_init__(self) -> None:
        check_steps(self.steps, "gives no measure of progress")

    def threshold(self, step: Tensor) -> Tensor:
        """[B] float64 threshold in the forward after `step` [B] steps."""
        progress = (step + 1).double() / self.steps
        later = torch.full_like(progress, self.middle).where(progress < 0.67, self.late)
        return later.where(progress >= 0.33, self.early)

    def logit_statistics(self) -> tuple[LogitStatistic, ...]:
        return Top(), LogitGap()

    def __call__(self, state: SamplerState, prediction: Prediction, decision: Decision) -> HaltDecision:
        gap, threshold = mean_over(prediction["logit_gap"], state.editable), self.threshold(state.steps_taken)
        return HaltDecision(gap >= threshold, seen={"gap": gap, "threshold": threshold})


@dataclass(frozen=True)
class Sched(Halting):
    """Fill the complete answer at once when the mean logit gap over its open positions reaches τ(r) = low + (high −
    low)·e^(−rate·r), and the argmax of at most a share `change` of them differs from the forward before. r =
    n/(`steps` − 1) after n steps, so that the last forward has r = 1; with a single step τ is `low`
    (Mohamed et al. 2025, SchED, arXiv 2512.02892).

    It carries the last argmax, [B, L] int64, −1 where there is none. At change = 0 the first forward never stops.

    Attributes:
        steps: the steps of the complete answer; with blocks, those of a block times the number of blocks.

    Raises:
        ValueError: fewer than one step.
    """

    steps: int
    high: float = 7.5
    low: float = 0.0
    rate: float = 2.0
    change: float = 0.0
    reason = "confident"
    sentence = "the prediction was confident enough to commit the rest at once"
    explanation = "mean logit gap {gap:.2f}; it stops at {threshold:.2f}; share of changed predictions {changed:.2f}"
    ends_answer = True
    reads_all_blocks = True

    def __post_init__(self) -> None:
        check_steps(self.steps, "gives no measure of progress")

    def threshold(self, step: Tensor) -> Tensor:
        """[B] float64 threshold in the forward after `step` [B] steps."""
        if self.steps == 1:
            return torch.full_like(step, self.low, dtype=torch.float64)
        progress = step.double() / (self.steps - 1)
        return self.low + (self.high - self.low) * (-self.rate * progress).exp()

    def logit_statistics(self) -> tuple[LogitStatistic, ...]:
        return Top(), LogitGap()

    def init_carry(self, state: SamplerState, vocabulary: int) -> dict[str, Tensor]:
        # A later block finds what the blocks before it have carried.
        return {"sched.argmax": state.carry.get("sched.argmax", torch.full_like(state.tokens, -1))}

    def update_carry(self, state: SamplerState, prediction: Prediction, decision: Decision) -> dict[str, Tensor]:
        return {"sched.argmax": prediction["argmax"].where(prediction.read, -1)}

    def __call__(self, state: SamplerState, prediction: Prediction, decision: Decision) -> HaltDecision:
        unwritten = state.editable & ~state.committed
        gap, threshold = mean_over(prediction["logit_gap"], unwritten), self.threshold(state.steps_taken)
        changed = mean_over(prediction["argmax"] != state.carry["sched.argmax"], unwritten)
        seen = {"gap": gap, "threshold": threshold, "changed": changed}
        return HaltDecision((gap >= threshold) & (changed <= self.change), seen=seen)


@dataclass(frozen=True)
class AnswerProbability(Halting):
    """Fill the complete answer at once when its probability under the present prediction reaches τ: the product over
    editable positions of the probability of the token that the answer would hold. At a position that stays committed
    that is the current-token probability, elsewhere the probability of the token written or filled in now. Nothing is
    learned: it is the baseline of learned halting. With a limit of steps it stops on queries whose probability stays
    low.

    Attributes:
        threshold: τ.
        most: steps of the complete answer after which it stops in any case; null sets no limit.

    Raises:
        ValueError: a threshold outside (0, 1], or a limit below 1.

    Example:
        >>> from adaptive_diffusion.rules.halting import AnswerProbability
        >>> AnswerProbability(0.7).threshold
        0.7
    """

    threshold: float = 0.7
    most: int | None = None
    reason = "probable"
    sentence = "the answer is probable enough under the present prediction"
    explanation = "probability of the answer {probability:.3f}; it stops at {threshold:.3f}"
    ends_answer = True
    reads_committed = True
    reads_all_blocks = True

    def __post_init__(self) -> None:
        if not 0 < self.threshold <= 1:
            raise ValueError(f"threshold={self.threshold} is no probability above 0; use for instance 0.7")
        if self.most is not None and self.most < 1:
            raise ValueError(f"most={self.most}: at least one step is taken; use for instance 6, or null for no limit")
        if self.most is not None:
            object.__setattr__(self, "sentence", f"{self.sentence}, or its {self.most} steps are spent")
            limited = f"{self.explanation}; step {{step:.0f}} of at most {self.most}"
            object.__setattr__(self, "explanation", limited)

    def logit_statistics(self) -> tuple[LogitStatistic, ...]:
        return Top(), CurrentTokenProbability()

    def log_probability(self, state: SamplerState, prediction: Prediction, decision: Decision) -> Tensor:
        """[B] float64, Σ log p over the answer's tokens."""
        written = decision.write & state.eligible & ~decision.remask
        stays = state.committed & ~(decision.remask & state.revisable) & ~written
        token = prediction["current_token_probability"].where(stays, prediction["confidence"])
        token = decision.probability.to(token).where(written, token)
        return sum_over(token.double().log(), state.editable)

    def __call__(self, state: SamplerState, prediction: Prediction, decision: Decision) -> HaltDecision:
        probability = self.log_probability(state, prediction, decision).exp()
        threshold = torch.full_like(probability, self.threshold)
        step = state.steps_taken + 1
        spent = torch.zeros_like(state.running) if self.most is None else step >= self.most
        seen = {"threshold": threshold, "step": step.double()}
        return HaltDecision((probability >= threshold) | spent, probability.float(), seen)


def sum_over(value: Tensor, where: Tensor) -> Tensor:
    """[B] float64 sums of [B, L] over the positions `where` [B, L], added up position by position: a reduction may add
    in another order in another batch."""
    return value.double().masked_fill(~where, 0.0).cumsum(1)[:, -1]


def mean_over(value: Tensor, where: Tensor) -> Tensor:
    """[B] float64 means of [B, L] over the positions `where` [B, L]; 0 over no position."""
    return sum_over(value, where) / where.sum(1).clamp(min=1)
