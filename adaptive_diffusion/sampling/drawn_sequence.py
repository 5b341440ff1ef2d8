"""A planner that looks at the sequence as it would be if every draw were written."""

from collections.abc import Callable, Sequence
from dataclasses import replace

import torch

from adaptive_diffusion.core.denoiser import Denoiser, Evaluation
from adaptive_diffusion.core.prediction import LogitProcessor
from adaptive_diffusion.core.rule import Proposal
from adaptive_diffusion.core.state import SamplerState
from adaptive_diffusion.models.heads import DenoiserWithHeads
from adaptive_diffusion.models.wrapper import DenoiserWrapper
from adaptive_diffusion.sampling.predict import read
from adaptive_diffusion.sampling.sampler import Sampler


class DrawnSequenceQuality(DenoiserWrapper):
    """Adds `drawn_quality` [B, L], P(the drawn token is right given all the others that were drawn), by the model's
    quality head in a second forward, on the sequence in which the sampler's draw stands at every eligible position (the
    external planner of Peng et al. 2025, P2, arXiv 2502.03540). Two forwards.

    Args:
        denoiser: a denoiser with a quality head.
        proposal, processors: those of the sampler, so that the planner sees what the sampler draws.

    Raises:
        ValueError: a model without a quality head.
    """

    def __init__(self, denoiser: DenoiserWithHeads, proposal: Proposal, processors: Sequence[LogitProcessor] = ()):
        super().__init__(denoiser)
        denoiser.head("quality")  # raises where it is missing
        self.proposal, self.processors = proposal, tuple(processors)

    def evaluate(self, state: SamplerState) -> Evaluation:
        evaluation = self.denoiser.evaluate(state)
        where = state.eligible & state.running[:, None]
        statistics = self.proposal.logit_statistics()
        prediction = read(self.denoiser, evaluation, state, statistics, where, self.processors)
        token = self.proposal(state, prediction).token
        drawn = replace(
            state,
            tokens=torch.where(where, token, state.tokens),
            committed=state.committed | where,
            noise_level=torch.zeros_like(state.noise_level),
        )
        second = self.denoiser.evaluate(drawn)
        return replace(
            evaluation,
            summaries={**evaluation.summaries, "drawn_quality": second.summaries["quality"]},
            forwards=evaluation.forwards + second.forwards,
            token_forwards=evaluation.positions_computed + second.positions_computed,
        )


def planned_sampler(denoiser: DenoiserWithHeads, sampler: Callable[[Denoiser], Sampler]) -> Sampler:
    """`sampler` on a denoiser whose planner sees that sampler's own draws: how a config asks for it."""
    plain = sampler(denoiser)
    return sampler(DrawnSequenceQuality(denoiser, plain.proposal, plain.processors))
