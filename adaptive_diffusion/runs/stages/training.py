"""A stage that trains a model, or goes on training the one of a stage before it."""

import logging
import signal
import warnings
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from importlib.util import find_spec
from typing import Any, ClassVar, Protocol

import torch
from lightning.pytorch import LightningModule, Trainer
from lightning.pytorch.callbacks import Callback, ModelCheckpoint, WeightAveraging
from lightning.pytorch.loggers import CSVLogger, Logger, TensorBoardLogger
from torch import Tensor, nn

from adaptive_diffusion.config import instantiate
from adaptive_diffusion.core.parameters import check_steps
from adaptive_diffusion.models.heads import DenoiserWithHeads
from adaptive_diffusion.runs.dry_run import DryRun, check_places, check_vocabulary
from adaptive_diffusion.runs.stage import Stage, StageContext
from adaptive_diffusion.runs.stages.resuming import States, all_metrics, set_aside
from adaptive_diffusion.storage.checkpoint import load_checkpoint, read_header, save_checkpoint
from adaptive_diffusion.tasks.fit import check_task
from adaptive_diffusion.training.averaging import average_in_place, lag
from adaptive_diffusion.training.denoiser_module import DenoiserModule
from adaptive_diffusion.training.lightning_data import LightningData
from adaptive_diffusion.training.progress import progress

LAST = "last"


@dataclass(frozen=True)
class Train(Stage):
    """Trains a model and writes `checkpoints/NAME.safetensors`, the exponential average of its weights; NAME is the
    stage's key.

    Attributes:
        model: node of a `DenoiserWithHeads`.
        data: node of a `TaskData`.
        module: node of a `DenoiserModule` with `_partial_: true`, without its model, optimiser and schedule.
        steps: optimiser steps.
        optimizer, scheduler: nodes of a torch optimiser and its learning-rate schedule, with `_partial_: true`; null is
            the module's own optimiser at a constant rate.
        after: the stage whose checkpoint it starts from, or a checkpoint file of another run; null starts anew. A head
            that is not in the checkpoint begins fresh.
        average: decay of the exponential average, after a warm-up: the weights are averaged over about 1/(1 − decay)
            steps, and over no more than about the last tenth of the training.
        save_every: steps between resumable states.
        devices, strategy: of Lightning's `Trainer`; several devices need a strategy that starts its own processes, such
            as `ddp_fork`, because the run folder is held by this one. Each process trains on a full batch.
        first_problem: where in the training stream it begins, so that stages see different problems.
        seed: of weights and sequences.
    """

    model: dict[str, Any]
    data: dict[str, Any]
    module: dict[str, Any]
    steps: int
    optimizer: dict[str, Any] | None = None
    scheduler: dict[str, Any] | None = None
    after: str | None = None
    average: float = 0.998
    clip: float = 1.0
    save_every: int = 100
    devices: int = 1
    strategy: str = "auto"
    first_problem: int = 0
    seed: int = 0
    trains: ClassVar[bool] = True

    def check(self, context: StageContext, dry_run: DryRun) -> None:
        check_steps(self.steps, "trains nothing")
        if self.save_every < 1:
            raise ValueError(f"save_every={self.save_every} saves no state to resume from; use at least 1 step")
        if not 0 <= self.average <= 1:
            raise ValueError(f"average={self.average} is no decay of an average; use one from 0 to 1, such as 0.998")
        if self.clip < 0:
            raise ValueError(
                f"clip={self.clip} is no norm of gradients; use 0, which clips nothing, or more, such as 1.0"
            )
        model, data = dry_run.make(self.model), dry_run.data(self.data)
        check_task(data)
        check_vocabulary(model, data.task)
        check_places(model, self.model, data.task)
        if self.after is not None:
            _begin_with(model, dry_run.model(context, self.after), self.after)
        chosen = optimisers(self, context.allow)
        module: DenoiserModule = instantiate(self.module, context.allow)(model=model, **chosen)
        check_optimisation(self, module)
        if (rows := sum(source.rows for source in module.training_states)) != data.batch_size:
            raise ValueError(
                f"the rows of the training states add up to {rows}, but a batch has {data.batch_size}; change "
                "task.batch_size or module.training_states"
            )
        dry_run.models[context.name] = model

    def __call__(self, context: StageContext) -> dict[str, Any]:
        folder, resume = context.folder, context.resume
        silence_lightning()
        torch.manual_seed(self.seed)
        model = instantiate(self.model, folder.allow)
        fresh = set(model.heads)
        if self.after is not None:
            file = context.checkpoint(self.after)
            trained: DenoiserWithHeads = load_checkpoint(file, folder.allow)  # type: ignore[assignment]
            _begin_with(model, trained, str(file))
            fresh -= set(trained.heads) - read_header(file).untrained
        initial = _weights(model, fresh)
        data = instantiate(self.data, folder.allow)
        module = instantiate(self.module, folder.allow)(model=model, seed=self.seed, **optimisers(self, context.allow))
        last = resume / f"{LAST}.ckpt"
        set_aside(folder.file(f"logs/{context.name}"), last.is_file())
        trainer = self._trainer(context)
        handler = signal.getsignal(signal.SIGINT)
        try:
            problems = LightningData(data, self.first_problem)
            trainer.fit(module, problems, ckpt_path=str(last) if last.is_file() else None, weights_only=True)
        except SystemExit as stopped:
            # Lightning ends the process on Ctrl-C and ignores further ones; the command prints what to do. It is given
            # the interruption itself, since a SIGTERM has an exit status of its own.
            signal.signal(signal.SIGINT, handler)
            raise stopped.__context__ or KeyboardInterrupt() from None
        self._finish(context, model.eval(), initial)
        saved = {"saved": "average", "decay": self.average, "steps_behind": round(lag(self.average, self.steps), 1)}
        return {**data.facts(), "weights": saved}

    def _trainer(self, context: StageContext) -> Trainer:
        callbacks: list[Callback] = [
            WeightAveraging(multi_avg_fn=partial(average_in_place, self.average)),
            ModelCheckpoint(
                context.resume, filename=LAST, every_n_train_steps=self.save_every, enable_version_counter=False
            ),
        ]
        shown = progress(context.name, self.steps)
        loggers = self._loggers(context)
        return Trainer(
            max_steps=self.steps,
            devices=self.devices,
            strategy=self.strategy,
            accelerator=context.device.type,
            precision=context.compute.training,  # type: ignore[arg-type]
            gradient_clip_val=self.clip,
            callbacks=[*callbacks, *shown["callbacks"]],
            enable_progress_bar=shown["enable_progress_bar"],
            logger=loggers,
            plugins=[States(loggers, self.steps, [LightningData.__qualname__])],
            log_every_n_steps=20,
            limit_val_batches=0,
            enable_model_summary=False,
        )

    def _loggers(self, context: StageContext) -> list[Logger]:
        """CSV always, TensorBoard beside it where the extra `logging` is installed."""
        place: dict[str, Any] = {"name": "logs", "version": context.name}
        loggers: list[Logger] = [CSVLogger(context.folder.path, flush_logs_every_n_steps=self.save_every, **place)]
        if find_spec("tensorboard"):
            loggers.append(TensorBoardLogger(context.folder.path, **place))
        return loggers

    def _finish(self, context: StageContext, model: DenoiserWithHeads, initial: Mapping[str, list[Tensor]]) -> None:
        folder = context.folder
        about = {"task": self.data, "stage": context.name, "steps": self.steps, "seed": self.seed, "averaged": True}
        same = {name: map(torch.equal, now, initial[name]) for name, now in _weights(model, initial).items() if now}
        about["untrained"] = sorted(name for name, equal in same.items() if all(equal))
        save_checkpoint(context.checkpoint(context.name), model, self.model, about)
        folder.write("metrics.csv", all_metrics(folder.file("logs"), (*context.earlier, context.name)))


class Optimised(Protocol):
    """A stage with an optimiser and a schedule."""

    @property
    def optimizer(self) -> dict[str, Any] | None: ...
    @property
    def scheduler(self) -> dict[str, Any] | None: ...


def optimisers(stage: Optimised, allow: Sequence[str]) -> dict[str, Any]:
    """The stage's optimiser and schedule as arguments of a module; what is null is left out."""
    nodes = {"optimizer": stage.optimizer, "scheduler": stage.scheduler}
    return {name: instantiate(node, allow) for name, node in nodes.items() if node is not None}


def check_optimisation(stage: Optimised, module: LightningModule) -> None:
    """Makes the optimiser and the schedule once: torch's classes look at their settings only then.

    Raises:
        ValueError: settings that one of them refuses; the sentence names them.
    """
    try:
        module.configure_optimizers()
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"the optimiser or its schedule is refused: {error}; mend that setting, such as optimizer.lr=1e-3, in "
            f"optimizer={stage.optimizer}, scheduler={stage.scheduler}"
        ) from error


def _weights(model: DenoiserWithHeads, heads: Iterable[str]) -> dict[str, list[Tensor]]:
    """Copies of the weights of heads, by name; those of a head that nothing has trained stay the same to the bit."""
    return {name: [weight.detach().cpu().clone() for weight in model.head(name).parameters()] for name in heads}


def _begin_with(model: DenoiserWithHeads, trained: nn.Module, source: str) -> None:
    """Gives the model the weights of a trained one, which came from `source`.

    Raises:
        ValueError: a checkpoint of another denoiser.
    """
    try:
        missing, unknown = model.load_state_dict(trained.state_dict(), strict=False)
    except RuntimeError as error:
        raise ValueError(f"{source} holds another model than the config describes: {error}") from error
    if wrong := [*unknown, *(name for name in missing if name.startswith("denoiser."))]:
        raise ValueError(f"{source} holds another model than the config describes: {', '.join(wrong[:3])}")


def silence_lightning() -> None:
    """Lightning's banners and its warnings about choices that are made here on purpose."""
    for name in ("lightning.pytorch", "lightning.fabric", "lightning.pytorch.utilities.rank_zero"):
        logging.getLogger(name).setLevel(logging.ERROR)
    warnings.filterwarnings("ignore", module=r"lightning\..*")
