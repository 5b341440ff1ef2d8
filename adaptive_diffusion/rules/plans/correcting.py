"""Commit, replace and remask, decided for every position from one forward.

A remasked token costs a forward in which the position is open. Where the prediction already prefers another token,
replacing it at once saves that forward.
"""

from abc import abstractmethod
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from adaptive_diffusion.core.logit_statistics import CurrentTokenProbability, Entropy, Top
from adaptive_diffusion.core.prediction import LogitStatistic, Prediction
from adaptive_diffusion.core.rule import Plan, open_share
from adaptive_diffusion.core.state import Candidate, Decision, SamplerState
from adaptive_diffusion.rules.top_k import best


class Correcting(Plan):
    """Chooses which open positions are committed and which committed ones are suspects. A suspect is replaced where
    another candidate has at least probability `replace`, and remasked otherwise. Where neither is chosen and anything
    is open, the most probable candidate is committed. Settled when nothing is open and nothing changed.

    Its candidates are those of the proposal `Argmax`.
    """

    replace: float
    reads_committed = True

    @abstractmethod
    def chosen(self, state: SamplerState, prediction: Prediction, candidate: Candidate) -> tuple[Tensor, Tensor]:
        """[B, L] bool each: open positions to commit, committed positions that are suspects."""

    def logit_statistics(self) -> tuple[LogitStatistic, ...]:
        return Top(), CurrentTokenProbability()

    def __call__(self, state: SamplerState, prediction: Prediction, candidate: Candidate) -> Decision:
        commit, suspect = self.chosen(state, prediction, candidate)
        commit, suspect = commit & state.open, suspect & state.revisable
        stuck = ~(commit | suspect).any(1)
        commit |= best(candidate.probability, state.open, stuck.long())
        edit = suspect & (candidate.token != state.tokens) & (candidate.probability >= self.replace)
        remask = suspect & ~edit
        left = ((state.open & ~commit) | remask).sum(1)
        return Decision(
            write=commit | edit,
            token=candidate.token,
            probability=candidate.probability,
            remask=remask,
            renoise=torch.zeros_like(commit),
            noise_level=open_share(state, left),
            settled=(left == 0) & (~(commit | edit).any(1) | state.single),
        )


@dataclass(frozen=True)
class CommitReplaceRemask(Correcting):
    """Open positions are committed from probability `commit` on; a committed token is a suspect when its own
    probability under the present prediction is below `doubt`.

    For a denoiser trained on all editable positions, which has learnt how probable a token is that it sees. The commit
    threshold may be low: a token committed too soon is seen in the next forward, beside all that was committed with it.
    """

    commit: float = 0.7
    doubt: float = 0.3
    replace: float = 0.7

    def chosen(self, state: SamplerState, prediction: Prediction, candidate: Candidate) -> tuple[Tensor, Tensor]:
        return candidate.probability >= self.commit, prediction["current_token_probability"] < self.doubt


@dataclass(frozen=True)
class CommitReplaceRemaskRandomThreshold(Correcting):
    """`CommitReplaceRemask` with a commit threshold of each row's own, uniform between the bounds `low` and `high`:
    the plan of on-policy training."""

    low: float = 0.5
    high: float = 0.99
    doubt: float = 0.3
    replace: float = 0.7
    draws = True

    def chosen(self, state: SamplerState, prediction: Prediction, candidate: Candidate) -> tuple[Tensor, Tensor]:
        threshold = self.low + (self.high - self.low) * state.noise.once_a_query("pace")[:, None]
        return candidate.probability >= threshold, prediction["current_token_probability"] < self.doubt


@dataclass(frozen=True)
class LearnedRevising(Correcting):
    """A head predicts how probable it is that a position should change: an open one be committed, a committed one be
    suspect. Trained by policy gradient, where each position draws; at evaluation the more probable is done (after
    Jazbec et al. 2025, arXiv 2512.09106, who commit only).

    `head(summaries [B, L, 8])` gives logits [B, L], see `position_summaries`.
    """

    replace: float = 0.7
    draws: bool = False
    head: Callable[[Tensor], Tensor] | None = None
    needs_head = "policy"

    def logit_statistics(self) -> tuple[LogitStatistic, ...]:
        return Top(), CurrentTokenProbability(), Entropy()

    def chosen(self, state: SamplerState, prediction: Prediction, candidate: Candidate) -> tuple[Tensor, Tensor]:
        assert self.head is not None, "a sampler binds the head"
        changes = self.changes(state, self.head(position_summaries(state, prediction)))
        return changes, changes

    def changes(self, state: SamplerState, logit: Tensor) -> Tensor:
        """[B, L] bool, what is done: drawn for each position from its own noise, or the more probable."""
        if not self.draws:
            return logit > 0
        return state.noise.everywhere("policy", logit.shape[1]) < logit.double().sigmoid()


def position_summaries(state: SamplerState, prediction: Prediction) -> Tensor:
    """[B, L, 8] float32, the inputs of a policy at a position: log-odds of the candidate and the standing token (each
    within ±9), entropy, whether it is open, how often it was revised, the share of open positions, a tenth of the steps
    so far, and the mean entropy of the row."""
    eligible = state.eligible.sum(1, keepdim=True).clamp(min=1)
    rows = (
        state.open.sum(1, keepdim=True) / eligible,
        state.step[:, None] / 10,
        (prediction["entropy"] * state.eligible).sum(1, keepdim=True) / eligible,
    )
    columns = (
        log_odds(prediction["confidence"]),
        log_odds(prediction["current_token_probability"]),
        prediction["entropy"],
        state.open,
        state.revisions,
        *(row.expand(state.tokens.shape) for row in rows),
    )
    return torch.stack([column.float() for column in columns], dim=-1)


def log_odds(probability: Tensor) -> Tensor:
    """log p/(1 − p), within ±9."""
    return torch.logit(probability.double(), eps=1e-4).clamp(-9, 9)
