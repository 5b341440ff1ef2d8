"""What a halting head may look at in each position of a step."""

import torch
from torch import Tensor

from adaptive_diffusion.core.answer import answer_now
from adaptive_diffusion.core.logit_statistics import CurrentTokenProbability, Entropy, Top
from adaptive_diffusion.core.prediction import LogitStatistic, Prediction
from adaptive_diffusion.core.rule import Halting
from adaptive_diffusion.core.state import Decision, Finish, SamplerState

TOKEN, PROBABILITY = "summaries.token", "summaries.probability"
"""Carries [B, L] of the last step: the token that the answer would have held, −1 before the first step, and its
probability."""

SUMMARIES, STAYS_OPEN = 10, 2
"""How many summaries a step has, and which of them is "stays open", what is taken back included."""
CHANGES = 2
"""How many of the summaries compare a step with the one before it; they are the last ones."""


def step_summaries(state: SamplerState, prediction: Prediction, decision: Decision) -> Tensor:
    """[B, L, 10] float32, what a halting head may look at in each position: top-1 probability and margin, whether it
    stays open, whether it is taken back, how probable the answer's token is if the row stopped now, entropy, how often
    it was taken back before, and a tenth of the row's steps so far; then whether the answer's token differs from that
    of the step before, and how much its probability has risen. Before the first step, and where the state carries no
    earlier step, every token differs and has risen from 0. A token that this step draws counts with the probability of
    the most probable one, drawn or not; from the next step on with its own.
    """
    stays_open = decision.still_open(state)
    answer = _answer_probability(state, prediction, decision)
    steps = (state.step / 10)[:, None].expand_as(answer)
    earlier = state.carry.get(TOKEN, torch.full_like(state.tokens, -1))
    differs = answer_now(state, prediction, decision, Finish.FILL) != earlier
    rise = answer - state.carry.get(PROBABILITY, torch.zeros_like(answer))
    first = prediction["confidence"], prediction["margin"], stays_open, decision.remask, answer
    columns = *first, prediction["entropy"], state.revisions, steps, differs, rise
    return torch.stack([column.float() for column in columns], dim=-1)


def _answer_probability(state: SamplerState, prediction: Prediction, decision: Decision) -> Tensor:
    stays = state.revisable & ~decision.remask & ~decision.write
    return torch.where(stays, prediction["current_token_probability"], prediction["confidence"])


class SummarisedHalting(Halting):
    """A halting rule that computes what a halting head looks at; it carries the last step, which the head compares the
    present one with."""

    reads_committed = True

    def logit_statistics(self) -> tuple[LogitStatistic, ...]:
        return Top(), CurrentTokenProbability(), Entropy()

    def init_carry(self, state: SamplerState, vocabulary: int) -> dict[str, Tensor]:
        return {TOKEN: torch.full_like(state.tokens, -1), PROBABILITY: torch.zeros_like(state.commit_probability)}

    def update_carry(self, state: SamplerState, prediction: Prediction, decision: Decision) -> dict[str, Tensor]:
        return {
            TOKEN: answer_now(state, prediction, decision, Finish.FILL),
            PROBABILITY: _answer_probability(state, prediction, decision).to(state.commit_probability),
        }
