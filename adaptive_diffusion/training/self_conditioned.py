"""Training sequences for a denoiser that sees its last prediction."""

from dataclasses import replace

import torch

from adaptive_diffusion.core.batch import Batch
from adaptive_diffusion.core.state import SamplerState
from adaptive_diffusion.models.heads import DenoiserWithHeads
from adaptive_diffusion.models.self_conditioning import SelfConditioning
from adaptive_diffusion.sampling.sampler import Sampler
from adaptive_diffusion.sampling.step import advance
from adaptive_diffusion.training.training_states import TrainingStates


class SelfConditioned(TrainingStates):
    """Training states of another source, a share of which carries the expected embedding of one more forward without
    gradient. The rest carries nothing, as before a sampler's first step (Chen et al. 2022, arXiv 2208.04202).

    `OnPolicyRollouts` needs no such forward: its states carry what the last step of their sampler predicted.

    Args:
        training_states: the source.
        share: probability that a sequence has been seen before.

    Raises:
        ValueError: a share outside [0, 1], or, when it begins, a denoiser without self-conditioning.
    """

    def __init__(self, training_states: TrainingStates, share: float = 0.5):
        if not 0 <= share <= 1:
            raise ValueError(f"share={share} is not a probability; it must lie in [0, 1]")
        self.training_states, self.share, self.rows = training_states, share, training_states.rows

    def begin(self, model: DenoiserWithHeads, batch: Batch, seed: int) -> tuple[SamplerState, Batch]:
        if model.memory is None:
            raise ValueError(
                "this denoiser does not see its last prediction; set self_conditioning: true in its config"
            )
        state, batch = self.training_states.begin(model, batch, seed)
        with torch.no_grad():
            seen = advance(Sampler(model), state, model.evaluate(state), max_steps=1 << 30).after
        name, known = SelfConditioning.name, state.noise.once_a_query("seen before") < self.share
        expected = torch.where(known[:, None, None], seen.carry[name], state.carry[name])
        return replace(state, carry={**state.carry, name: expected}), batch
