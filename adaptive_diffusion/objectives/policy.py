"""Policy gradient over what a plan does to each position, and over when to stop."""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from adaptive_diffusion.core.loss_inputs import LossInputs
from adaptive_diffusion.core.step_summaries import step_summaries
from adaptive_diffusion.objectives.objective import Objective
from adaptive_diffusion.rules.learned_halting import SampledHalting
from adaptive_diffusion.rules.plans.correcting import LearnedRevising, position_summaries

ADVANTAGE = "policy.advantage"
"""The carry [B] float32 of recorded steps: how much better their rollout did than its group."""


def group_advantage(reward: Tensor) -> Tensor:
    """[N, G] rewards of G rollouts of each query minus the mean of their group (Shao et al. 2024, GRPO, arXiv
    2402.03300).

    Not divided by the group's deviation, which would weigh the price of a forward up where all answers are equally
    right (Liu et al. 2025, Dr. GRPO, arXiv 2503.20783).
    """
    return reward - reward.mean(1, keepdim=True)


def log_chance(logit: Tensor, drawn: Tensor) -> Tensor:
    """log π of each draw [...] bool, where its chance is σ(logit [...])."""
    return torch.where(drawn, F.logsigmoid(logit), F.logsigmoid(-logit))


@dataclass(frozen=True)
class PolicyGradient(Objective):
    """−A·log π(what was drawn) of each recorded step, mean over steps, with log π the sum over eligible positions and A
    the advantage of the step's rollout (Williams 1992, REINFORCE, against the mean of the group).

    What was drawn is drawn again: the noise is keyed by query, variation and step, so the same policy draws the same.
    """

    weight: float = 1.0

    def head_names(self) -> tuple[str, ...]:
        return ("policy",)

    def __call__(self, inputs: LossInputs) -> dict[str, Tensor]:
        head = inputs.model.head("policy")
        if inputs.outcome is None or ADVANTAGE not in inputs.state.carry:
            return {}
        logit = head(position_summaries(inputs.state, inputs.outcome.prediction))
        drawn = LearnedRevising(head=head, draws=True).changes(inputs.state, logit.detach())
        gain = (log_chance(logit, drawn) * inputs.state.eligible).sum(1)
        return {"policy": -self.weight * (inputs.state.carry[ADVANTAGE] * gain).mean()}


@dataclass(frozen=True)
class HaltingGradient(Objective):
    """−A·log π(stop or go on, as was drawn) of each recorded step, mean over those at which the row had the choice. The
    rollouts are those of `SampledHalting`; beside `PolicyGradient` it trains halting and pace together, from one
    reward.

    Start from a head trained by its own loss (`HeadLoss`): its P(right if stopped now) is the first chance of stopping.
    """

    weight: float = 1.0

    def head_names(self) -> tuple[str, ...]:
        return ("halting",)

    def __call__(self, inputs: LossInputs) -> dict[str, Tensor]:
        head = inputs.model.head("halting")
        if inputs.outcome is None or ADVANTAGE not in inputs.state.carry:
            return {}
        summaries = step_summaries(inputs.state, inputs.outcome.prediction, inputs.outcome.decision)
        logit = head(inputs.hidden.detach(), summaries, inputs.state.editable)
        drawn = SampledHalting.drawn(inputs.state, logit.detach().float().sigmoid())
        chose = ~inputs.outcome.decision.settled
        gain = (inputs.state.carry[ADVANTAGE] * log_chance(logit, drawn))[chose]
        return {"halting_policy": -self.weight * gain.sum() / chose.sum().clamp(min=1)}
