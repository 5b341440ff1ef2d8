"""Training sequences for block diffusion: noised ones with the clean ones beside them."""

from dataclasses import replace

from adaptive_diffusion.core.batch import Batch
from adaptive_diffusion.core.state import SamplerState
from adaptive_diffusion.models.blockwise import CleanSequence
from adaptive_diffusion.models.heads import DenoiserWithHeads
from adaptive_diffusion.training.training_states import TrainingStates


class CleanBeside(TrainingStates):
    """Another source's noised sequences, which carry the clean ones beside them.

    A block-causal denoiser then predicts each noised block from itself and the clean blocks before it, all of them in
    one forward over both sequences (Arriola et al. 2025, BD3-LM, arXiv 2503.09573, section 3.2). All blocks of a
    sequence have its noise level; theirs have one each.

    Args:
        training_states: the source, one that keeps nothing between batches.
    """

    def __init__(self, training_states: TrainingStates):
        self.training_states, self.rows = training_states, training_states.rows

    def begin(self, model: DenoiserWithHeads, batch: Batch, seed: int) -> tuple[SamplerState, Batch]:
        state, batch = self.training_states.begin(model, batch, seed)
        return replace(state, carry={**state.carry, CleanSequence.clean: batch.clean}), batch
