"""Learned halting that weighs stopping against going on."""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import torch
from torch import Tensor
from torch.nn import functional as F

from adaptive_diffusion.core.state import HaltDecision
from adaptive_diffusion.rules.halting import HeadHalting

Head = Callable[[Tensor, Tensor, Tensor], Tensor]


@dataclass(frozen=True)
class QHalting(HeadHalting):
    """Stop when the head values stopping above going on by at least `margin` in logits (Wang et al. 2025, HRM, arXiv
    2506.21734; there the margin is 0, and only in training).

    The head gives [B, 2]: the logits of Q(stop), which is P(answer right if stopped now), and of Q(go on).
    """

    head: Head
    margin: float = 0.0
    settings = tuple(0.1 * step for step in range(-60, 61))

    def with_threshold(self, setting: float) -> "QHalting":
        return replace(self, margin=setting)

    def decide(self, head_output: Tensor) -> HaltDecision:
        _check(head_output, "QLearning")
        stop, on = head_output.float().unbind(-1)
        return HaltDecision(stop - on >= self.margin, stop.sigmoid())


@dataclass(frozen=True)
class CostAware(HeadHalting):
    """Optimal stopping at a price λ a forward, in units of one right answer: stop when q ≥ C_λ, the probability of
    being right now against the value of the best way to go on.

    The head gives [B, 1 + 2K], see `solved_logit` and `continuation`. One head serves all prices.

    Raises:
        ValueError: a price that is not above 0, at which stopping would never pay.
    """

    head: Head
    price: float = 0.01
    settings = tuple(0.0005 * 1.06**step for step in range(120))

    def with_threshold(self, setting: float) -> "CostAware":
        return replace(self, price=setting)

    def __post_init__(self) -> None:
        if not self.price > 0:
            raise ValueError(f"price={self.price}: a forward must cost something; use for instance 0.01")

    def decide(self, head_output: Tensor) -> HaltDecision:
        _check(head_output, "OptimalStopping")
        probability = solved_logit(head_output).sigmoid()
        price = torch.tensor([self.price], device=head_output.device)
        return HaltDecision(probability >= continuation(head_output, price)[..., 0], probability)


def _check(head_output: Tensor, objective: str) -> None:
    if head_output.ndim == 1:
        raise ValueError(f"this halting head says one number a row; the rule needs one trained with {objective}")


def solved_logit(head_output: Tensor) -> Tensor:
    """[...] the logit of q = P(answer right if stopped now), from what a priced head head_output [..., 1 + 2K]."""
    return head_output[..., 0].float()


SOFTNESS = 0.005
"""τ of the soft maximum over ways to go on; a hard one would never teach the ways that are not the best."""


def continuation(head_output: Tensor, price: Tensor) -> Tensor:
    """[..., P] the value of going on at each price λ [P], from what a priced head head_output [..., 1 + 2K].

    C_λ = τ·log mean_k exp((a_k − λ·b_k)/τ) with a_k in (0, 1), the chance of a right answer, and b_k > 1, the forwards
    it takes: softly the best of K ways to go on. Such a function of falling lines is convex and never rises with λ, and
    so is V_λ = max(q, C_λ); −dV/dλ is the expected number of forwards to come (0 where stopping is best).
    """
    chance, forwards = head_output[..., 1:].float().unflatten(-1, (2, -1)).unbind(-2)
    lines = chance.sigmoid()[..., None, :] - price[:, None] * (1 + F.softplus(forwards))[..., None, :]
    return SOFTNESS * ((lines / SOFTNESS).logsumexp(-1) - math.log(lines.shape[-1]))
