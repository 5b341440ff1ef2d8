"""Losses of halting over recorded trajectories."""

from abc import ABC, abstractmethod
from dataclasses import dataclass, field, replace

import torch
from torch import Tensor
from torch.nn import functional as F

from adaptive_diffusion.objectives.trajectories import Correct, StoppingTarget, Trajectories
from adaptive_diffusion.rules.learned_halting import (
    CostAware,
    HaltingHead,
    HeadHalting,
    LearnedHalting,
    QHalting,
    solved_logit,
    stop_logit,
)


class HaltingObjective(ABC):
    """A loss over trajectories, from the head's outputs at every step. It is an immutable value."""

    @property
    def outputs(self) -> int:
        """How many numbers the head must predict."""
        return 1

    def at(self, progress: float) -> "HaltingObjective":
        """The objective after a share `progress` of the training; the same throughout unless it warms up."""
        return self

    @abstractmethod
    def rule(self, head: HaltingHead | None = None) -> HeadHalting:
        """The halting rule that a head trained so is made for; its `needs_head` is the name of the head."""

    @abstractmethod
    def __call__(self, head_output: Tensor, trajectories: Trajectories) -> dict[str, Tensor]:
        """Named scalar losses from the head's outputs, [B, T] or [B, T, outputs]."""


@dataclass(frozen=True)
class SolvedAtEachStep(HaltingObjective):
    """Binary cross-entropy on how good it is to stop now: by default on "the answer is right if the row stops now"
    (Jolicoeur-Martineau 2025, TRM, arXiv 2510.04871).

    Attributes:
        target: what is predicted.
    """

    target: StoppingTarget = field(default_factory=Correct)

    def rule(self, head: HaltingHead | None = None) -> HeadHalting:
        return LearnedHalting(head=head)

    def __call__(self, head_output: Tensor, trajectories: Trajectories) -> dict[str, Tensor]:
        loss = F.binary_cross_entropy_with_logits(head_output, self.target(trajectories), reduction="none")
        return {"solved": trajectories.mean(loss)}


@dataclass(frozen=True)
class QLearning(HaltingObjective):
    """Q(stop) → 1[right if stopped now], Q(go on) → max(Q(stop), Q(go on)) after the next step, or Q(stop) there if it
    is the last; half the sum of both cross-entropies (Wang et al. 2025, HRM, arXiv 2506.21734)."""

    @property
    def outputs(self) -> int:
        return 2

    def rule(self, head: HaltingHead | None = None) -> HeadHalting:
        return QHalting(head=head)

    def __call__(self, head_output: Tensor, trajectories: Trajectories) -> dict[str, Tensor]:
        stop, on = head_output.unbind(-1)
        later = torch.where(trajectories.last, stop, torch.maximum(stop, on)).detach().sigmoid().roll(-1, 1)
        goes_on = trajectories.taken & ~trajectories.last
        right = F.binary_cross_entropy_with_logits(stop, trajectories.score, reduction="none")
        bootstrap = F.binary_cross_entropy_with_logits(on, later, reduction="none")
        return {
            "q_stop": trajectories.mean(right) / 2,
            "q_go_on": bootstrap[goes_on].sum() / 2 / goes_on.sum().clamp(min=1),
        }


@dataclass(frozen=True)
class Ponder(HaltingObjective):
    """PonderNet (Banino et al. 2021, arXiv 2107.05407): the head's probability λ_n is that of stopping after step n
    given that the row has not, so p_n = λ_n·∏_{j<n}(1 − λ_j), the rest on the last step; loss Σ_n p_n·ℓ_n +
    β·KL(p ‖ geometric of rate `prior`, truncated at the row's last step), row by row.

    ℓ_n is the error 1 − 1[right if stopped after n], since the answer itself is not trained here.
    """

    prior: float = 0.3
    beta: float = 0.01

    def __post_init__(self) -> None:
        if not 0 < self.prior < 1:
            raise ValueError(f"prior={self.prior} is no rate of a geometric distribution; it lies between 0 and 1")

    def rule(self, head: HaltingHead | None = None) -> HeadHalting:
        return LearnedHalting(threshold=0.5, head=head)

    def __call__(self, head_output: Tensor, trajectories: Trajectories) -> dict[str, Tensor]:
        log_p = log_stopping(head_output, trajectories)
        p = log_p.exp()
        wrong = (p * (1 - trajectories.score)).sum(1).mean()
        steps = torch.arange(head_output.shape[1], device=head_output.device)
        log_prior = (steps * torch.tensor(1 - self.prior).log()).masked_fill(~trajectories.taken, -torch.inf)
        kl = (p * (log_p - log_prior.log_softmax(1)).masked_fill(~trajectories.taken, 0.0)).sum(1).mean()
        return {"ponder": wrong, "ponder_kl": self.beta * kl}


def log_stopping(logit: Tensor, trajectories: Trajectories) -> Tensor:
    """[B, T] or [B, T, P] log p_n of stopping after step n from logits of stopping of the same shape; −∞ after a row's
    last step."""
    taken, last = (
        mask if logit.ndim == mask.ndim else mask[..., None] for mask in (trajectories.taken, trajectories.last)
    )
    going_on = F.logsigmoid(-logit).masked_fill(~taken, 0.0)
    before = going_on.cumsum(1) - going_on
    return (before + F.logsigmoid(logit).masked_fill(last, 0.0)).masked_fill(~taken, -torch.inf)


@dataclass(frozen=True)
class ExpectedReturn(HaltingObjective):
    """Optimal stopping for a range of prices at once: the expected return of stopping at random after step n with
    probability p_n, Σ_n p_n·(worth of the answer − λ·forwards until n), is differentiable in the head's output, because
    stopping changes nothing before it; its negative is minimised at every price, with the cross-entropy of P(right if
    stopped now) beside it (Becker et al. 2019, Deep optimal stopping, arXiv 1804.05394; here with a price).

    A value of going on that is regressed step by step was tried first: the sampler stops at the first of many steps at
    which the error of two fitted values favours stopping, so it stops far too early on long trajectories.

    Attributes:
        lowest, highest, prices: the grid of prices, equally spaced in log λ. Among the highest must be some at which it
            pays to stop at once: a head that begins by going on at every price never learns what stopping earns.
        target: what an answer is worth when the row stops.
        warm_up: the share of the training in which all prices rise to their values: a head that finds forwards dear
            before it can predict learns to stop at once.

    Raises:
        ValueError: prices that are not above 0 or in the wrong order, or a share outside [0, 1].
    """

    lowest: float = 0.001
    highest: float = 1.0
    prices: int = 10
    target: StoppingTarget = field(default_factory=Correct)
    warm_up: float = 0.0

    def __post_init__(self) -> None:
        if not 0 < self.lowest <= self.highest:
            raise ValueError(f"prices from {self.lowest} to {self.highest}: they must be above 0, the lowest first")
        if not 0 <= self.warm_up <= 1:
            raise ValueError(f"warm_up={self.warm_up} is no share of the training; use 0 or, say, 0.3")

    def at(self, progress: float) -> "ExpectedReturn":
        if progress >= self.warm_up:
            return self
        scale = max(progress / self.warm_up, 0.01)
        return replace(self, lowest=scale * self.lowest, highest=scale * self.highest)

    @property
    def outputs(self) -> int:
        return 3

    @property
    def grid(self) -> Tensor:
        """[P] prices."""
        ends = torch.tensor([self.lowest, self.highest]).log()
        return torch.linspace(float(ends[0]), float(ends[1]), self.prices).exp()

    def rule(self, head: HaltingHead | None = None) -> HeadHalting:
        return CostAware((self.lowest * self.highest) ** 0.5, head)

    def __call__(self, head_output: Tensor, trajectories: Trajectories) -> dict[str, Tensor]:
        price = self.grid.to(head_output.device)
        worth = self.target(trajectories)
        right = F.binary_cross_entropy_with_logits(solved_logit(head_output), worth, reduction="none")
        returned = worth[..., None] - price * trajectories.cost.cumsum(1)[..., None]
        p = log_stopping(stop_logit(head_output, price), trajectories).exp()
        return {"solved": trajectories.mean(right), "missed": (1 - (p * returned).sum(1)).mean(0).sum()}


@dataclass(frozen=True)
class GroupRelative(HaltingObjective):
    """Policy gradient of the probability of stopping, reward 1[right] − price·forwards, advantage against the mean of a
    group of `group` stops drawn on the same trajectory (Shao et al. 2024, GRPO, arXiv 2402.03300).

    Halting changes nothing before it stops, so the group needs no forward of its own. Start from a supervised head.
    """

    price: float = 0.01
    group: int = 16

    def rule(self, head: HaltingHead | None = None) -> HeadHalting:
        return LearnedHalting(threshold=0.5, head=head)

    def __call__(self, head_output: Tensor, trajectories: Trajectories) -> dict[str, Tensor]:
        log_p = log_stopping(head_output, trajectories)
        drawn = torch.multinomial(log_p.detach().exp(), self.group, replacement=True)
        spent = trajectories.cost.cumsum(1).gather(1, drawn)
        reward = trajectories.score.gather(1, drawn) - self.price * spent
        advantage = reward - reward.mean(1, keepdim=True)
        return {"policy": -(advantage * log_p.gather(1, drawn)).mean()}
