"""Tokens of low quality are taken back while the number of clean tokens stays on schedule (Kim et al. 2025b, PRISM,
arXiv 2510.01384)."""

from abc import abstractmethod
from dataclasses import dataclass

import torch
from torch import Tensor

from adaptive_diffusion.core.parameters import check_steps
from adaptive_diffusion.core.prediction import Prediction
from adaptive_diffusion.core.rule import Plan
from adaptive_diffusion.core.state import Candidate, Decision, SamplerState
from adaptive_diffusion.rules.plans.commits import committed_and_remasked
from adaptive_diffusion.rules.top_k import best


class QualityRemasking(Plan):
    """After step k of `steps` ⌈N·k/steps⌉ of N positions are committed. The n committed tokens of lowest quality are
    suspects, if more than n and fewer than N − n are committed; open positions are committed in random order up to the
    schedule and in place of the suspects. What was a suspect stays open in this step. Where there are too few open
    positions for the schedule, the best of the suspects stay committed.

    The quality is the summary `quality` [B, L], P(the token is right given the rest).

    Raises:
        ValueError: fewer than one step.
    """

    steps: int
    reads_committed = True
    reads_summaries = ("quality",)
    bounded = True
    draws = True

    def __post_init__(self) -> None:
        check_steps(self.steps, "gives the clock nothing to do")

    @abstractmethod
    def number(self, state: SamplerState) -> Tensor:
        """[B] int64, how many suspects a step looks for."""

    def horizon(self, length: int) -> int:
        return self.steps

    def __call__(self, state: SamplerState, prediction: Prediction, candidate: Candidate) -> Decision:
        total, clean, left = (where.sum(1) for where in (state.eligible, state.revisable, state.open))
        target = (total * (state.step + 1).clamp(max=self.steps) + self.steps - 1) // self.steps
        number = self.number(state)
        number = number.where((clean > number) & (clean < total - number), 0)
        # Fewer open positions than the schedule wants: that many of the suspects stay.
        number = (number - (target - (clean - number) - left).clamp(min=0)).clamp(min=0)
        remask = best(-prediction["quality"], state.revisable, number)
        order = state.noise.everywhere("order", state.tokens.shape[1])
        write = best(order, state.open, (target - (clean - number)).clamp(min=0))
        return committed_and_remasked(state, candidate, write, remask)


@dataclass(frozen=True)
class LowestQuality(QualityRemasking):
    """PRISM with the same number of suspects in every step (4 of 81 positions in the paper).

    Raises:
        ValueError: a negative number.
    """

    steps: int
    count: int = 4

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.count < 0:
            raise ValueError(f"count={self.count} must not be negative")

    def number(self, state: SamplerState) -> Tensor:
        return torch.full_like(state.step, self.count)


@dataclass(frozen=True)
class BinomialQuality(QualityRemasking):
    """PRISM with a binomial number of suspects: each committed token counts with probability σ = min(η, (1 − α_s)/α_t),
    α_t the share of committed positions before the step and α_s the one on schedule after it.

    Raises:
        ValueError: η outside [0, 1].
    """

    steps: int
    eta: float = 0.05

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0 <= self.eta <= 1:
            raise ValueError(f"eta={self.eta} is a probability; it must lie in [0, 1]")

    def remask_probability(self, state: SamplerState) -> Tensor:
        """[B] float64 σ; η while nothing is committed."""
        total, clean = state.eligible.sum(1).double().clamp(min=1), state.revisable.sum(1).double()
        later = (clean + total / self.steps).minimum(total)
        return ((total - later) / clean.clamp(min=1)).clamp(max=self.eta).where(clean > 0, self.eta)

    def number(self, state: SamplerState) -> Tensor:
        uniform = state.noise.everywhere("remasking", state.tokens.shape[1])
        return (state.revisable & (uniform < self.remask_probability(state)[:, None])).sum(1)
