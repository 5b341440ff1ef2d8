"""Every step ranks all positions, committed or not: the best stay or are written, the rest is open."""

from abc import abstractmethod
from dataclasses import dataclass

import torch
from torch import Tensor

from adaptive_diffusion.core.prediction import Prediction
from adaptive_diffusion.core.rule import Plan
from adaptive_diffusion.core.state import Candidate, Decision, SamplerState
from adaptive_diffusion.rules.pace import open_share
from adaptive_diffusion.rules.top_k import best


@dataclass(frozen=True)
class Ranking(Plan):
    """After step k of `steps`, N − ⌊N(1 − k/steps)⌋ of N positions are committed: those of the highest score.

    Raises:
        ValueError: fewer than one step.
    """

    steps: int
    reads_committed = True
    bounded = True

    def __post_init__(self) -> None:
        if self.steps < 1:
            raise ValueError(f"steps={self.steps} gives the clock nothing to do; use at least 1")

    @abstractmethod
    def score(self, state: SamplerState, prediction: Prediction, candidate: Candidate) -> Tensor:
        """[B, L] scores of all eligible positions."""

    def horizon(self, length: int) -> int:
        return self.steps

    def __call__(self, state: SamplerState, prediction: Prediction, candidate: Candidate) -> Decision:
        total = state.eligible.sum(1)
        stays_open = total * (self.steps - 1 - state.step).clamp(min=0) // self.steps
        kept = best(self.score(state, prediction, candidate), state.eligible, total - stays_open)
        return Decision(
            write=kept & state.open,
            token=candidate.token,
            probability=candidate.probability,
            remask=state.revisable & ~kept,
            renoise=torch.zeros_like(kept),
            noise_level=open_share(state, stays_open),
            settled=stays_open == 0,
        )


@dataclass(frozen=True)
class SelfPlanning(Ranking):
    """P2 with the denoiser as its own planner: log-probabilities of a fresh draw everywhere, those at committed
    positions times η (Peng et al. 2025, arXiv 2502.03540).

    As in the authors' code the draw is scored, not the token that stands there. η = 0 never takes anything back: it is
    confidence sampling in equal steps; a larger η revises more.
    """

    eta: float = 1.0

    def score(self, state: SamplerState, prediction: Prediction, candidate: Candidate) -> Tensor:
        score = candidate.probability.double().clamp(min=1e-300).log()
        return torch.where(state.committed, self.eta * score, score)


@dataclass(frozen=True)
class ExternalPlanning(Ranking):
    """P2 with a planner that judges standing tokens: log P(right) times η at committed positions, the log-probability
    of the draw at open ones (Peng et al. 2025, arXiv 2502.03540). The planner is the summary `quality`."""

    eta: float = 1.0

    def score(self, state: SamplerState, prediction: Prediction, candidate: Candidate) -> Tensor:
        judged = prediction["quality"].double().clamp(min=1e-300).log()
        drawn = candidate.probability.double().clamp(min=1e-300).log()
        return torch.where(state.committed, self.eta * judged, drawn)


@dataclass(frozen=True)
class ByQuality(Ranking):
    """RemeDi: a learned score alone ranks all positions (Huang et al. 2025, arXiv 2509.23653). It is the summary
    `quality` at committed positions and its product with the draw's probability at open ones, where the head has seen
    no token yet."""

    def score(self, state: SamplerState, prediction: Prediction, candidate: Candidate) -> Tensor:
        return torch.where(state.committed, prediction["quality"], prediction["quality"] * candidate.probability)
