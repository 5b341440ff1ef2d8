"""Rollouts in groups: every query is answered several times by the policy in training, and each step carries how much
better its rollout did than the others of its query."""

from collections.abc import Callable
from dataclasses import replace
from functools import reduce

import torch

from adaptive_diffusion.core.batch import Batch
from adaptive_diffusion.core.denoiser import Evaluation
from adaptive_diffusion.core.state import SamplerState
from adaptive_diffusion.models.heads import DenoiserWithHeads
from adaptive_diffusion.objectives.policy import ADVANTAGE, group_advantage
from adaptive_diffusion.rules.plans.correcting import LearnedRevising
from adaptive_diffusion.sampling.sampler import Sampler
from adaptive_diffusion.sampling.step import Step, advance, step
from adaptive_diffusion.training.training_states import TrainingStates


class GroupedRollouts(TrainingStates):
    """`rows` steps out of all that `queries`·`group` fresh rollouts took, for `PolicyGradient`: reward score −
    price·NFE of the rollout. Rollouts are made anew for every batch, so the gradient is on-policy.

    Args:
        rows: steps that are learned from in each batch, drawn from those taken; a rollout's steps count as often as it
            has them.
        queries: new queries a batch, of the `rows` it is given.
        group: rollouts of each query.
        price: of a forward, in right answers.
        replace: `LearnedRevising.replace` of the plan.
        max_steps: a rollout that takes longer ends there, filled.
        sampler: builds the sampler from denoiser and plan.
    """

    def __init__(
        self,
        rows: int,
        queries: int = 32,
        group: int = 8,
        price: float = 0.02,
        replace: float = 0.7,
        max_steps: int = 16,
        sampler: Callable[..., Sampler] = Sampler,
    ):
        if not 1 <= queries <= rows or group < 2:
            raise ValueError(
                f"rows={rows}, queries={queries}, group={group}: 1 ≤ queries ≤ rows and group ≥ 2 are needed"
            )
        self.rows, self.queries, self.group, self.price, self.max_steps = rows, queries, group, price, max_steps
        self.replace, self.unbound = replace, sampler
        self.sampler: Sampler | None = None
        self.state: SamplerState | None = None

    @torch.no_grad()
    def begin(self, model: DenoiserWithHeads, batch: Batch, seed: int) -> tuple[SamplerState, Batch]:
        plan = LearnedRevising(head=model.head("policy"), replace=self.replace, draws=True)
        self.sampler = self.unbound(denoiser=model, plan=plan)
        few = batch.take(slice(0, self.queries))
        device = batch.clean.device
        index = torch.arange(self.queries, device=device).repeat_interleave(self.group)
        variation = torch.arange(self.group, device=device).repeat(self.queries)
        several, taken = few.take(index), []
        state = self.sampler.begin(several.queries, variation, seed)
        while state.running.any():
            running = state.running.nonzero()[:, 0]
            taken.append((running, state.take(running)))
            state = step(self.sampler, state, self.max_steps).after
        reward = several.score(state.tokens) - self.price * state.nfe.float()
        advantage = group_advantage(reward.view(self.queries, self.group)).flatten()
        rollout = torch.cat([rows for rows, _ in taken])
        steps = reduce(SamplerState.append, [at for _, at in taken])
        chosen = steps.noise.once_a_step("recorded").argsort()[torch.arange(self.rows, device=device) % len(rollout)]
        rollout, steps = rollout[chosen], steps.take(chosen)
        self.state = replace(steps, carry={**steps.carry, ADVANTAGE: advantage[rollout]})
        return self.state, several.take(rollout)

    @torch.no_grad()
    def advance(self, evaluation: Evaluation) -> Step:
        assert self.sampler is not None
        assert self.state is not None
        return advance(self.sampler, self.state, evaluation, self.max_steps)
