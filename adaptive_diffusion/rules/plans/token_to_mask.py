"""Doubtful tokens become masks again instead of being replaced (Yao 2026, T2M, arXiv 2604.18738)."""

from abc import abstractmethod
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from adaptive_diffusion.core.logit_statistics import CurrentTokenProbability
from adaptive_diffusion.core.parameters import check_probability
from adaptive_diffusion.core.prediction import LogitStatistic, Prediction
from adaptive_diffusion.core.rule import ABSORBING
from adaptive_diffusion.core.state import Candidate, Decision, SamplerState
from adaptive_diffusion.rules.plans.editing import SecondLook
from adaptive_diffusion.rules.top_k import best


class TokenToMask(SecondLook):
    """Beside the commits of the inner plan, suspects among the tokens that stood committed before the step are
    remasked: each position at most `each` times, and in one step at most max(1, ⌊`share`·committed⌋), the most doubtful
    first.

    Attributes:
        each: remaskings of one position (5 in the authors' code, 3 in its README).
        share: the largest share of committed positions that one step remasks.
        extra: steps that may begin with a full sequence.
    """

    each: int
    share: float
    corruptions = ABSORBING
    bounded = True

    @abstractmethod
    def doubt(self, state: SamplerState, prediction: Prediction, candidate: Candidate) -> tuple[Tensor, Tensor]:
        """[B, L] bool, which committed tokens are suspects, and [B, L], how doubtful they are."""

    def logit_statistics(self) -> tuple[LogitStatistic, ...]:
        return *self.inner.logit_statistics(), CurrentTokenProbability()

    def horizon(self, length: int) -> int:
        return self.inner.horizon(length) + self.each * length + self.extra

    def revised(
        self, state: SamplerState, prediction: Prediction, candidate: Candidate, decision: Decision
    ) -> Decision:
        suspect, doubt = self.doubt(state, prediction, candidate)
        suspect &= state.revisable & (state.revisions < self.each)
        most = (self.share * state.revisable.sum(1).double()).floor().long().clamp(min=1)
        return replace(decision, remask=decision.remask | best(doubt, suspect, most))


@dataclass(frozen=True)
class ConfidentReplacement(TokenToMask):
    """A token is a suspect when the candidate differs and has p > `threshold`: the trigger of `TokenEditing`.

    Raises:
        ValueError: a threshold that is no probability.
    """

    threshold: float = 0.9
    each: int = 5
    share: float = 0.25
    extra: int = 16

    def __post_init__(self) -> None:
        super().__post_init__()
        check_probability(self.threshold)

    def doubt(self, state: SamplerState, prediction: Prediction, candidate: Candidate) -> tuple[Tensor, Tensor]:
        other = (candidate.token != state.tokens) & (candidate.probability > self.threshold)
        return other, candidate.probability


@dataclass(frozen=True)
class LowTokenProbability(TokenToMask):
    """A token is a suspect when its current-token probability is below `threshold`.

    Raises:
        ValueError: a threshold that is no probability.
    """

    threshold: float = 0.5
    each: int = 5
    share: float = 0.25
    extra: int = 16

    def __post_init__(self) -> None:
        super().__post_init__()
        check_probability(self.threshold)

    def doubt(self, state: SamplerState, prediction: Prediction, candidate: Candidate) -> tuple[Tensor, Tensor]:
        probability = prediction["current_token_probability"]
        return probability < self.threshold, -probability


@dataclass(frozen=True)
class ProbabilityDrop(TokenToMask):
    """A token is a suspect when its probability has fallen by more than `threshold` since the last step.

    It carries the probability that the prediction before gave to each token that stands, [B, L] float32.

    Raises:
        ValueError: a threshold that is no probability.
    """

    threshold: float = 0.3
    each: int = 5
    share: float = 0.25
    extra: int = 16

    def __post_init__(self) -> None:
        super().__post_init__()
        check_probability(self.threshold)

    def init_carry(self, state: SamplerState, vocabulary: int) -> dict[str, Tensor]:
        before = torch.zeros_like(state.commit_probability)
        return {**super().init_carry(state, vocabulary), "token_to_mask.probability": before}

    def update_carry(self, state: SamplerState, prediction: Prediction, decision: Decision) -> dict[str, Tensor]:
        stays = prediction["current_token_probability"].to(state.commit_probability)
        now = torch.where(decision.write, decision.probability.to(stays), stays)
        return {**super().update_carry(state, prediction, decision), "token_to_mask.probability": now}

    def doubt(self, state: SamplerState, prediction: Prediction, candidate: Candidate) -> tuple[Tensor, Tensor]:
        drop = state.carry["token_to_mask.probability"] - prediction["current_token_probability"]
        return drop > self.threshold, drop
