"""Policy gradient over what a plan does to each position."""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from adaptive_diffusion.objectives.scene import Objective, Scene
from adaptive_diffusion.rules.joint.correcting import LearnedRevising, position_summaries

ADVANTAGE = "policy.advantage"
"""The carry [B] float32 of recorded steps: how much better their rollout did than its group."""


def group_advantage(reward: Tensor) -> Tensor:
    """[N, G] rewards of G rollouts of each query minus the mean of their group (Shao et al. 2024, GRPO, arXiv
    2402.03300).

    Not divided by the group's deviation, which would weigh the price of a forward up where all answers are equally
    right (Liu et al. 2025, Dr. GRPO, arXiv 2503.20783).
    """
    return reward - reward.mean(1, keepdim=True)


@dataclass(frozen=True)
class PolicyGradient(Objective):
    """−A·log π(what was drawn) of each recorded step, mean over steps, with log π the sum over eligible positions and A
    the advantage of the step's rollout (Williams 1992, REINFORCE, against the mean of the group).

    What was drawn is drawn again: the noise is keyed by query, variation and step, so the same policy draws the same.
    """

    weight: float = 1.0

    def __call__(self, scene: Scene) -> dict[str, Tensor]:
        if scene.model.policy is None:
            raise ValueError("PolicyGradient trains a policy head, but the model has none; add model.policy")
        if scene.outcome is None or ADVANTAGE not in scene.state.carry:
            return {}
        logit = scene.model.policy(position_summaries(scene.state, scene.outcome.prediction))
        drawn = LearnedRevising(scene.model.policy, draws=True).changes(scene.state, logit.detach())
        log_policy = torch.where(drawn, F.logsigmoid(logit), F.logsigmoid(-logit))
        told = (log_policy * scene.state.eligible).sum(1)
        return {"policy": -self.weight * (scene.state.carry[ADVANTAGE] * told).mean()}
