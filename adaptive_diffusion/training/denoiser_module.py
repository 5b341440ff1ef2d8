"""One training stage: training_states, one forward over all of them, objectives."""

import logging
from collections.abc import Sequence
from typing import Any

import torch
from lightning.pytorch import LightningModule
from torch import Tensor

from adaptive_diffusion.core.batch import Batch
from adaptive_diffusion.core.prediction import Evaluation
from adaptive_diffusion.core.state import SamplerState
from adaptive_diffusion.models.heads import DenoiserWithHeads
from adaptive_diffusion.models.self_conditioning import SelfConditioning
from adaptive_diffusion.models.transformer import Block
from adaptive_diffusion.objectives.objective import LossInputs, Objective, Outcome
from adaptive_diffusion.training.optimisation import ADAMW, MakeOptimizer, MakeScheduler, optimisation
from adaptive_diffusion.training.training_states import TrainingStates

log = logging.getLogger(__name__)


class DenoiserModule(LightningModule):
    """Trains a denoiser and its heads on the sequences of several sources at once.

    A batch is split over the sources; one forward covers all of their sequences; every objective looks at every source;
    live sources then move on by the same forward. A self-conditioned denoiser sees what its sequences carry.

    Args:
        model: the denoiser with its heads.
        training_states: where sequences come from; their `rows` add up to the batch.
        objectives: what is minimised, the sum.
        optimizer: makes the optimiser from parameter groups; its weight decay acts on matrices only.
        scheduler: makes the learning-rate schedule, stepped once per optimiser step; None keeps the rate.
        trainable: which parts learn: "denoiser", "quality", "halting", "policy". What is not named is frozen.
        seed: keys the sequences.
        compile: compile the trunk where a compiler is present; otherwise it is said and training goes on without.
    """

    def __init__(
        self,
        model: DenoiserWithHeads,
        training_states: Sequence[TrainingStates],
        objectives: Sequence[Objective],
        optimizer: MakeOptimizer = ADAMW,
        scheduler: MakeScheduler | None = None,
        trainable: Sequence[str] = ("denoiser", "quality", "halting", "policy"),
        seed: int = 0,
        compile: bool = False,  # noqa: A002 (what everybody calls it)
    ):
        super().__init__()
        self.model = model
        self.training_states, self.objectives = list(training_states), list(objectives)
        self.optimizer, self.scheduler, self.seed = optimizer, scheduler, seed
        self._freeze(trainable)
        self._hidden: Any = _compiled(model.denoiser) if compile else model.denoiser.hidden

    def _freeze(self, trainable: Sequence[str]) -> None:
        parts = {name: getattr(self.model, name) for name in ("denoiser", "quality", "halting", "policy")}
        unknown = set(trainable) - set(parts)
        if unknown:
            raise ValueError(f"trainable names {sorted(unknown)}; the parts of a model are {sorted(parts)}")
        for name, part in parts.items():
            if part is not None:
                part.requires_grad_(name in trainable)
        self.trunk_learns = "denoiser" in trainable

    def training_step(self, batch: Batch, batch_index: int) -> Tensor:
        inputs = self._loss_inputs(batch)
        losses: dict[str, Tensor] = {}
        rows = sum(len(one.clean) for one in inputs)
        for one in inputs:
            for objective in self.objectives:
                for name, loss in objective(one).items():
                    losses[name] = losses.get(name, torch.zeros(())) + loss * len(one.clean) / rows
        self.log_dict({f"train/{name}": loss.detach() for name, loss in losses.items()})
        return torch.stack(list(losses.values())).sum()

    def _loss_inputs(self, batch: Batch) -> list[LossInputs]:
        """The sources' training_states, forwarded together."""
        places, begun = 0, []
        for source in self.training_states:
            begun.append(source.begin(self.model, batch.take(slice(places, places + source.rows)), self.seed))
            places += source.rows
        hidden = self._forward([state for state, _ in begun])
        inputs = []
        for source, (state, clean), part in zip(
            self.training_states, begun, hidden.split([len(clean) for _, clean in begun]), strict=True
        ):
            with torch.no_grad():
                step = source.advance(self.model.judged(Evaluation(part.detach())))
            outcome = None if step is None else Outcome(step.prediction, step.decision, step.answer)
            inputs.append(LossInputs(self.model, state, clean, part, outcome))
        return inputs

    def _forward(self, states: list[SamplerState]) -> Tensor:
        tokens = torch.cat([state.tokens for state in states])
        status = torch.cat([state.status for state in states])
        level = torch.cat([state.noise_level for state in states])
        carried = [state.carry[SelfConditioning.name] for state in states if SelfConditioning.name in state.carry]
        recalled = {"expected": torch.cat(carried)} if carried else {}
        with torch.set_grad_enabled(self.trunk_learns):
            return self._hidden(tokens, status, level, **recalled)

    def configure_optimizers(self) -> Any:
        return optimisation(self, self.optimizer, self.scheduler)

    def configure_gradient_clipping(
        self, optimizer: Any, gradient_clip_val: float | None = None, gradient_clip_algorithm: str | None = None
    ) -> None:
        # Lightning refuses to clip for fused optimisers, which unscale float16 gradients; bfloat16 is never scaled.
        if gradient_clip_val:
            torch.nn.utils.clip_grad_norm_(self.parameters(), gradient_clip_val)

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        checkpoint["training_states"] = [source.state_dict() for source in self.training_states]

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        for source, state in zip(self.training_states, checkpoint["training_states"], strict=True):
            source.load_state_dict(state)


def _compiled(denoiser: Any) -> Any:
    """The trunk of the denoiser, its blocks compiled. All of them are one program, which takes a fraction of the time
    that compiling the whole takes, and runs as fast."""
    from torch._inductor.exc import InductorError  # the compiler is only looked for when it is wanted

    blocks = [module for module in denoiser.modules() if isinstance(module, Block)]
    for block in blocks:
        block.compile(dynamic=False)

    def hidden(*inputs: Tensor, **recalled: Tensor) -> Tensor:
        try:
            return denoiser.hidden(*inputs, **recalled)
        except (InductorError, RuntimeError) as error:
            if all(block._compiled_call_impl is None for block in blocks):
                raise
            log.warning("the trunk cannot be compiled here and runs uncompiled: %s", str(error).splitlines()[0])
            for block in blocks:
                block._compiled_call_impl = None
            return denoiser.hidden(*inputs, **recalled)

    return hidden
