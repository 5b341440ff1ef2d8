"""Every step ranks all positions, committed or not: the best stay or are written, the rest is open."""

from abc import abstractmethod
from dataclasses import dataclass

import torch
from torch import Tensor

from adaptive_diffusion.core.parameters import check_steps
from adaptive_diffusion.core.prediction import Prediction
from adaptive_diffusion.core.rule import Plan, open_share
from adaptive_diffusion.core.state import Candidate, Decision, SamplerState
from adaptive_diffusion.rules.top_k import best


class Ranking(Plan):
    """Positions are ranked by a score; those that `kept` chooses are committed after the step, all others are open.

    Raises:
        ValueError: fewer than one step.
    """

    steps: int
    reads_committed = True
    bounded = True

    def __post_init__(self) -> None:
        check_steps(self.steps, "gives the clock nothing to do")

    @abstractmethod
    def score(self, state: SamplerState, prediction: Prediction, candidate: Candidate) -> Tensor:
        """[B, L] scores of all eligible positions."""

    @abstractmethod
    def kept(self, state: SamplerState, score: Tensor) -> Tensor:
        """[B, L] bool, the eligible positions that are committed after this step; all of them after the last step."""

    def ended(self, state: SamplerState) -> Tensor:
        """[B] bool, whether nothing is opened after this step any more."""
        return state.step + 1 >= self.steps

    def horizon(self, length: int) -> int:
        return self.steps

    def __call__(self, state: SamplerState, prediction: Prediction, candidate: Candidate) -> Decision:
        kept = self.kept(state, self.score(state, prediction, candidate))
        left = (state.eligible & ~kept).sum(1)
        return Decision(
            write=kept & state.open,
            token=candidate.token,
            probability=candidate.probability,
            remask=state.revisable & ~kept,
            renoise=torch.zeros_like(kept),
            noise_level=open_share(state, left),
            settled=self.ended(state) | ((left == 0) & state.single),
        )


class PathPlanning(Ranking):
    """P2: after step k of `steps` those positions are open whose score is below the (m + 1)-th smallest, with
    m = ⌊N(1 − k/steps)⌋ of N positions (Peng et al. 2025, arXiv 2502.03540). Where scores tie, fewer are open. A row
    is settled once m is 0: from then on every position is committed, and none is opened."""

    def count(self, state: SamplerState) -> Tensor:
        """[B] int64, m after this step."""
        return state.eligible.sum(1) * (self.steps - 1 - state.step).clamp(min=0) // self.steps

    def ended(self, state: SamplerState) -> Tensor:
        return self.count(state) == 0

    def kept(self, state: SamplerState, score: Tensor) -> Tensor:
        count = self.count(state)
        score = score.masked_fill(~state.eligible, torch.inf)
        limit = score.sort(dim=1).values.gather(1, count.clamp(max=score.shape[1] - 1)[:, None])
        return state.eligible & (score >= limit)


@dataclass(frozen=True)
class SelfPlanning(PathPlanning):
    """P2 with the denoiser as its own planner: log-probabilities of a fresh draw everywhere, those at committed
    positions times η (Peng et al. 2025, arXiv 2502.03540).

    As in the authors' code the draw is scored, not the token that stands there. η = 0 never takes anything back: it is
    confidence sampling in equal steps; a larger η revises more.
    """

    steps: int
    eta: float = 1.0

    def score(self, state: SamplerState, prediction: Prediction, candidate: Candidate) -> Tensor:
        score = log(candidate.probability)
        return torch.where(state.committed, self.eta * score, score)


@dataclass(frozen=True)
class ExternalPlanning(PathPlanning):
    """P2 with a planner that looks at the fully drawn sequence: η·log P(the drawn token is right) at committed
    positions, the log-probability of the draw at open ones (Peng et al. 2025, arXiv 2502.03540).

    The planner's probability is the summary `drawn_quality` [B, L], from a denoiser wrapped with
    `sampling.drawn_sequence.DrawnSequenceQuality`.
    """

    steps: int
    eta: float = 1.0
    reads_summaries = ("drawn_quality",)

    def score(self, state: SamplerState, prediction: Prediction, candidate: Candidate) -> Tensor:
        planned = self.eta * log(prediction["drawn_quality"])
        return torch.where(state.committed, planned, log(candidate.probability))


@dataclass(frozen=True)
class ScoreRanking(Ranking):
    """RemeDi: the positions of the highest learned score are committed, whether they were committed before or not;
    every step ⌊N/steps⌋ more of N positions, and one more still in each of the last N mod steps (Huang et al. 2025,
    arXiv 2509.23653).

    The score is the summary `unmasking` [B, L] of an `UnmaskingHead`, which is trained at open positions too.
    """

    steps: int
    reads_summaries = ("unmasking",)

    def score(self, state: SamplerState, prediction: Prediction, candidate: Candidate) -> Tensor:
        return prediction["unmasking"]

    def kept(self, state: SamplerState, score: Tensor) -> Tensor:
        done = (state.step + 1).clamp(max=self.steps)
        total = state.eligible.sum(1)
        early = total // self.steps * done
        return best(score, state.eligible, early + (done - self.steps + total % self.steps).clamp(min=0))


def log(probability: Tensor) -> Tensor:
    """log p, finite at 0."""
    return probability.double().clamp(min=1e-300).log()
