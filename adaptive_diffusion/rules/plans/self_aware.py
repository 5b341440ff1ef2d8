"""A Markov kernel with a remask head (Kornhardt et al. 2026, Self-Aware Markov Models, arXiv 2603.16661)."""

from dataclasses import dataclass

import torch

from adaptive_diffusion.core.parameters import check_probability
from adaptive_diffusion.core.prediction import Prediction
from adaptive_diffusion.core.rule import ABSORBING, Plan, open_share
from adaptive_diffusion.core.state import Candidate, Decision, SamplerState


@dataclass(frozen=True)
class SelfAwareKernel(Plan):
    """Every position, committed or not, holds the candidate after the step where its confidence c reaches `threshold`,
    and a mask elsewhere. The row ends by its stop head (`LearnedHalting`), when a step changes nothing, or after
    `steps` steps.

    The confidence is the summary `unmasking` [B, L] of an `UnmaskingHead`, the remask head. With the proposal `Argmax`
    this is the most probable outcome of the kernel P(x_i = k) = c_i·p_i(k), P(mask) = 1 − c_i.

    This kernel is our reading of the paper's abstract and introduction. No code of the authors was found and its
    equations could not be read, so neither the kernel, nor the training of its two heads, nor the thresholds were
    checked against the paper; the tests are cases made by hand.

    Raises:
        ValueError: fewer than one step, or a threshold that is no probability.
    """

    threshold: float = 0.5
    steps: int = 64
    corruptions = ABSORBING
    reads_committed = True
    reads_summaries = ("unmasking",)
    bounded = True

    def __post_init__(self) -> None:
        check_probability(self.threshold)
        if self.steps < 1:
            raise ValueError(f"steps={self.steps}: the kernel takes at least 1 step")

    def horizon(self, length: int) -> int:
        return self.steps

    def __call__(self, state: SamplerState, prediction: Prediction, candidate: Candidate) -> Decision:
        sure = state.eligible & (prediction["unmasking"] >= self.threshold)
        write = sure & (state.open | (candidate.token != state.tokens))
        remask = state.revisable & ~sure
        left = (state.eligible & ~sure).sum(1)
        return Decision(
            write=write,
            token=candidate.token,
            probability=candidate.probability,
            remask=remask,
            renoise=torch.zeros_like(write),
            noise_level=open_share(state, left),
            settled=~(write | remask).any(1) | ((left == 0) & state.single),
        )
