"""One training stage: training states, one evaluation of all of them, objectives."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import reduce
from typing import Any

import torch
from lightning.pytorch import LightningModule
from torch import Tensor

from adaptive_diffusion.core.batch import Batch
from adaptive_diffusion.core.denoiser import Evaluation
from adaptive_diffusion.core.loss_inputs import LossInputs, StepOutcome
from adaptive_diffusion.core.state import SamplerState
from adaptive_diffusion.models.heads import DenoiserWithHeads
from adaptive_diffusion.objectives.objective import Objective
from adaptive_diffusion.training.optimisation import ADAMW, MakeOptimizer, MakeScheduler, optimisation
from adaptive_diffusion.training.training_states import TrainingStates, evaluated_state

log = logging.getLogger(__name__)


class DenoiserModule(LightningModule):
    """Trains a denoiser and its heads on the states of several sources at once.

    A batch is split over the sources; one evaluation covers all of their states; every objective looks at every source;
    the rollouts of a sampler then move on by the same evaluation.

    Args:
        model: the denoiser with its heads.
        training_states: sources of states; their `rows` add up to the batch.
        objectives: losses, of which the sum is minimised.
        optimizer: makes the optimiser from parameter groups; its weight decay acts on matrices only.
        scheduler: makes the learning-rate schedule, stepped once per optimiser step; None keeps the rate.
        trainable: which parts learn: "denoiser" and names of heads; what is not named is frozen. None: all of them.
        seed: keys the states.
        compile: the denoiser's attribute that lists its layers, such as "blocks", to compile each of them where a
            compiler is present; null compiles nothing.

    Raises:
        ValueError: unknown parts in `trainable`, or layers to compile; in training, no objective that has anything to
            learn, or sources whose states carry different things to the denoiser.
    """

    def __init__(
        self,
        model: DenoiserWithHeads,
        training_states: Sequence[TrainingStates],
        objectives: Sequence[Objective],
        optimizer: MakeOptimizer = ADAMW,
        scheduler: MakeScheduler | None = None,
        trainable: Sequence[str] | None = None,
        seed: int = 0,
        compile: str | None = None,  # noqa: A002 (torch's own word)
    ):
        super().__init__()
        self.model = model
        self.training_states, self.objectives = list(training_states), list(objectives)
        for name in (name for objective in self.objectives for name in objective.head_names()):
            model.head(name)  # a missing one is refused here, and not in the first step
        self.optimizer, self.scheduler, self.seed = optimizer, scheduler, seed
        self._freeze(trainable)
        self._compiled = _compiled(model.denoiser, compile)

    def _freeze(self, trainable: Sequence[str] | None) -> None:
        parts = {"denoiser": self.model.denoiser, **self.model.heads}
        trainable = list(parts) if trainable is None else trainable
        unknown = set(trainable) - set(parts)
        if unknown:
            raise ValueError(f"trainable names {sorted(unknown)}; the parts of this model are {sorted(parts)}")
        for name, part in parts.items():
            part.requires_grad_(name in trainable)
        self.trunk_learns = "denoiser" in trainable

    def training_step(self, batch: Batch, batch_index: int) -> Tensor:
        losses: dict[str, Tensor] = {}
        every = self._loss_inputs(batch)
        rows = sum(len(inputs.clean) for inputs in every)
        for inputs in every:
            for objective in self.objectives:
                for name, loss in objective(inputs).items():
                    losses[name] = (
                        losses.get(name, torch.zeros((), device=loss.device)) + loss * len(inputs.clean) / rows
                    )
        if not losses:
            raise ValueError(
                "no objective has anything to learn from these training states; a halting loss needs OnPolicyRollouts"
            )
        self.log_dict(
            {f"train/{name}": loss.detach() for name, loss in losses.items()}, prog_bar=True, batch_size=len(batch)
        )
        return torch.stack(list(losses.values())).sum()

    def _loss_inputs(self, batch: Batch) -> list[LossInputs]:
        """The states of all sources, evaluated together."""
        first, begun = 0, []
        for source in self.training_states:
            rows = batch.take(slice(first, first + source.rows))
            begun.append(source.begin(self.model, rows, self.seed))
            first += source.rows
        evaluation = self._evaluate([state for state, _ in begun])
        found, first = [], 0
        for source, (state, own) in zip(self.training_states, begun, strict=True):
            part = evaluation.take(slice(first, first + len(own)))
            first += len(own)
            found.append(LossInputs(self.model, state, own.clean, part.hidden, self._outcome(source, own, part)))
        return found

    @torch.no_grad()
    def _outcome(self, source: TrainingStates, batch: Batch, evaluation: Evaluation) -> StepOutcome | None:
        """The step of the source's sampler, if it has one, that follows from an evaluation."""
        detached = replace(evaluation, hidden=evaluation.hidden.detach())
        step = source.advance(self.model.with_summaries(detached))
        if step is None:
            return None
        return StepOutcome(step.prediction, step.decision, step.answer, batch.score(step.answer), batch.score)

    def _evaluate(self, states: list[SamplerState]) -> Evaluation:
        """One evaluation of the states of all sources by the bare denoiser, with gradient where it learns."""
        bare = [evaluated_state(self.model, state) for state in states]
        if any(state.carry.keys() != bare[0].carry.keys() for state in bare):
            # Joined states have the carry of the first one, so that the others would lose theirs.
            carried = ", ".join(
                f"{type(source).__name__} ({' and '.join(state.carry) or 'nothing'})"
                for source, state in zip(self.training_states, bare, strict=True)
            )
            raise ValueError(
                f"the training states carry different things to the denoiser: {carried}; put the clean sequence beside "
                "all sources (`CleanBeside`) or beside none"
            )
        with torch.set_grad_enabled(self.trunk_learns):
            return self._compiled(reduce(SamplerState.append, bare))

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


def _compiled(denoiser: Any, blocks: str | None) -> Callable[[SamplerState], Evaluation]:
    """The denoiser's `evaluate`, with the submodules of its attribute `blocks` compiled.

    All blocks are one program, which takes a fraction of the time that compiling the trunk at once takes, and runs as
    fast. Where no compiler works, a warning is logged and training goes on uncompiled.

    Raises:
        ValueError: a name under which the denoiser has no submodules.
    """
    if blocks is None:
        return denoiser.evaluate
    from torch._inductor.exc import InductorError  # the compiler is only looked for when it is wanted

    modules = dict(denoiser.named_modules())
    repeated = list(modules[blocks].children()) if blocks in modules else []
    if not repeated:
        raise ValueError(
            f"compile={blocks!r} names no submodules of {type(denoiser).__name__}; name a list of its layers, one of "
            f"{[name for name in modules if name and next(modules[name].children(), None)][:6]}, or null"
        )
    for block in repeated:
        block.compile(dynamic=False)

    def evaluate(state: SamplerState) -> Evaluation:
        try:
            return denoiser.evaluate(state)
        except (InductorError, RuntimeError) as error:
            if all(block._compiled_call_impl is None for block in repeated):
                raise
            log.warning("the trunk cannot be compiled here and runs uncompiled: %s", str(error).splitlines()[0])
            for block in repeated:
                block._compiled_call_impl = None
            return denoiser.evaluate(state)

    return evaluate
