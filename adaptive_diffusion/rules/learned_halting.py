"""Halting by a head: the probability of a right answer, values of stopping and going on, a price for each forward."""

import math
from abc import abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import ClassVar, Self

import torch
from torch import Tensor
from torch.nn import functional as F

from adaptive_diffusion.core.parameters import check_probability
from adaptive_diffusion.core.prediction import Prediction
from adaptive_diffusion.core.state import Decision, HaltDecision, SamplerState
from adaptive_diffusion.core.step_summaries import SummarisedHalting, step_summaries

HaltingHead = Callable[[Tensor, Tensor, Tensor], Tensor]
"""`head(hidden [B, L, D], summaries [B, L, S], editable [B, L])` → [B] or [B, outputs]."""


class HeadHalting(SummarisedHalting):
    """Halting by a head that looks at a step's hidden states and summaries; the rule turns its output into a decision.

    Attributes:
        head: the model's halting head; None until a sampler binds it.
        settings: values of its threshold, margin or price among which a budget or an accuracy is looked for, from
            the one that stops latest to the one that stops earliest.
    """

    head: HaltingHead | None
    settings: ClassVar[tuple[float, ...]]
    reason = "learned"
    sentence = "the halting head predicts that a further forward is not worth its cost"
    needs_head = "halting"

    @abstractmethod
    def with_threshold(self, setting: float) -> Self:
        """The same rule at another threshold, margin or price."""

    @abstractmethod
    def decide(self, head_output: Tensor) -> HaltDecision:
        """Which rows stop, from the head's output [B, …] alone: so a rule can be applied to recorded rollouts too."""

    def __call__(self, state: SamplerState, prediction: Prediction, decision: Decision) -> HaltDecision:
        assert self.head is not None, "a sampler binds the head"
        summaries = step_summaries(state, prediction, decision)
        return self.decide(self.head(prediction.evaluation.hidden, summaries, state.editable))


@dataclass(frozen=True)
class LearnedHalting(HeadHalting):
    """Stop when the head's P(answer right if stopped now) reaches the threshold; trained by binary cross-entropy as in
    TRM (Jolicoeur-Martineau 2025, arXiv 2510.04871), but halting at evaluation.

    The head gives logits [B]. With a head trained as a policy, or as PonderNet's, the probability is that of stopping.

    Raises:
        ValueError: a threshold that is no probability.
    """

    threshold: float = 0.9
    head: HaltingHead | None = None
    sentence = "the halting head is sure enough that the answer is right"
    settings = tuple(1 / (1 + math.exp(-0.1 * logit)) for logit in range(80, -41, -1))
    explanation = "P(right if stopped now) {probability:.3f}; it stops at {threshold:.3f}"

    def __post_init__(self) -> None:
        check_probability(self.threshold)

    def with_threshold(self, setting: float) -> "LearnedHalting":
        return replace(self, threshold=setting)

    def decide(self, head_output: Tensor) -> HaltDecision:
        probability = head_output.float().sigmoid()
        threshold = torch.full_like(probability, self.threshold)
        return HaltDecision(probability >= self.threshold, probability, {"threshold": threshold})


@dataclass(frozen=True)
class SampledHalting(SummarisedHalting):
    """Stop with the probability that the head predicts, drawn from the row's own noise: how a policy of stopping
    explores while it is trained by policy gradient (Williams 1992, REINFORCE, doi 10.1007/BF00992696)."""

    head: HaltingHead | None = None
    reason = "learned"
    sentence = "the halting policy drew the decision to stop"
    explanation = "P(stop) {probability:.3f}"
    needs_head = "halting"
    draws = True

    def __call__(self, state: SamplerState, prediction: Prediction, decision: Decision) -> HaltDecision:
        halt = LearnedHalting(head=self.head)(state, prediction, decision)
        assert halt.probability is not None
        return HaltDecision(self.drawn(state, halt.probability), halt.probability)

    @staticmethod
    def drawn(state: SamplerState, probability: Tensor) -> Tensor:
        """[B] bool: the same probability at the same step draws the same again."""
        return state.noise.once_a_step("halting") < probability.double()


@dataclass(frozen=True)
class QHalting(HeadHalting):
    """Stop when the head values stopping above going on by at least `margin` in logits (Wang et al. 2025, HRM, arXiv
    2506.21734; there the margin is 0, and only in training).

    The head gives [B, 2]: the logits of Q(stop), which is P(answer right if stopped now), and of Q(go on).
    """

    margin: float = 0.0
    head: HaltingHead | None = None
    needs_head = "q_halting"
    settings = tuple(0.1 * step for step in range(60, -61, -1))
    explanation = "Q(stop) exceeds Q(go on) by {advantage:.3f}; it stops at {margin:.3f}"

    def with_threshold(self, setting: float) -> "QHalting":
        return replace(self, margin=setting)

    def decide(self, head_output: Tensor) -> HaltDecision:
        _check(head_output, 2, "QLearning")
        stop, on = head_output.float().unbind(-1)
        seen = {"advantage": stop - on, "margin": torch.full_like(stop, self.margin)}
        return HaltDecision(stop - on >= self.margin, stop.sigmoid(), seen)


@dataclass(frozen=True)
class CostAware(HeadHalting):
    """Optimal stopping at a price λ a forward, in units of one right answer: stop when λ is at least the *critical
    price* of the row's state, the price from which on stopping now is worth more than every way to go on.

    Such a price exists because going on loses value as forwards become dearer, and stopping does not. One head serves
    all prices. It gives [B, 3]: see `critical_price`, `stop_logit` and `solved_logit`.

    Raises:
        ValueError: a price that is not above 0, at which stopping would never pay.
    """

    price: float = 0.01
    head: HaltingHead | None = None
    needs_head = "cost_aware"
    settings = tuple(0.0002 * 1.075**step for step in range(120))
    explanation = "stopping pays from a price of {critical_price:.4f} a forward; P(right if stopped) {probability:.3f}"

    def __post_init__(self) -> None:
        if not self.price > 0:
            raise ValueError(f"price={self.price}: a forward must cost something; use for instance 0.01")

    def with_threshold(self, setting: float) -> "CostAware":
        return replace(self, price=setting)

    def decide(self, head_output: Tensor) -> HaltDecision:
        _check(head_output, 3, "ExpectedReturn")
        critical = critical_price(head_output)
        return HaltDecision(critical <= self.price, solved_logit(head_output).sigmoid(), {"critical_price": critical})


def _check(head_output: Tensor, outputs: int, objective: str) -> None:
    found = 1 if head_output.ndim == 1 else head_output.shape[-1]
    if found != outputs:
        raise ValueError(
            f"this halting head predicts {found} numbers per row, and the rule needs {outputs}: fit a head with the "
            f"objective {objective}"
        )


UNIT_PRICE = 0.01
"""The price at which `stop_logit` of a head that gives 0 is 0."""


def critical_price(head_output: Tensor) -> Tensor:
    """[...] float32, the price from which on stopping pays, from the output of a cost-aware head [..., 3]: UNIT_PRICE ·
    exp(−first output), so that a head that begins at a negative bias begins by going on."""
    return UNIT_PRICE * (-head_output[..., 0].float()).exp()


def stop_logit(head_output: Tensor, price: Tensor) -> Tensor:
    """[..., P] the logit of stopping at each price [P], from the output of a cost-aware head [..., 3]: sharpness ·
    log(price / critical price), the sharpness being the softplus of the last output. Training draws its stops so; the
    rule stops where the logit is not below 0."""
    sharpness = F.softplus(head_output[..., 2:].float())
    return sharpness * (head_output[..., :1].float() + (price / UNIT_PRICE).log())


def solved_logit(head_output: Tensor) -> Tensor:
    """[...] the logit of P(answer right if stopped now), from the output of a cost-aware head [..., 3]."""
    return head_output[..., 1].float()
