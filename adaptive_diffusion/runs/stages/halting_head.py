"""Stages that record a sampler's rollouts and fit halting heads to them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from operator import attrgetter
from pathlib import Path
from typing import Any, ClassVar

import torch
from torch import Tensor

from adaptive_diffusion.config import instantiate, instantiate_outer
from adaptive_diffusion.core.batch import Batch
from adaptive_diffusion.core.parameters import check_steps
from adaptive_diffusion.core.rule import Halting
from adaptive_diffusion.models.heads import DenoiserWithHeads
from adaptive_diffusion.objectives.halting_losses import HaltingObjective
from adaptive_diffusion.runs.compare import build_sampler, chief_difficulty
from adaptive_diffusion.runs.dry_run import DryRun
from adaptive_diffusion.runs.halting_rules import trials
from adaptive_diffusion.runs.stage import Stage, StageContext
from adaptive_diffusion.runs.stages.training import check_optimisation, optimisers, silence_lightning
from adaptive_diffusion.runs.trained_model import checkpoint_file, load_trained_model
from adaptive_diffusion.sampling.sampler import Sampler
from adaptive_diffusion.storage.checkpoint import load_checkpoint, read_header, save_checkpoint
from adaptive_diffusion.storage.folder import RunFolder
from adaptive_diffusion.tasks.data import TaskData
from adaptive_diffusion.training.halting_head_module import HaltingHeadModule, RolloutBatches, fit
from adaptive_diffusion.training.progress import progress
from adaptive_diffusion.training.rollouts import Rollouts, check_recordable, record, scored

TRAIN = "train"
TRAJECTORY = "adaptive_diffusion.models.halting_head.TrajectoryHaltingHead"


@dataclass(frozen=True)
class Record(Stage):
    """Samples with halting off and writes `rollouts/SPLIT.safetensors`: what heads learn from and are judged on.

    Attributes:
        checkpoint: a run folder or checkpoint with the denoiser; null is that of the last stage before this one.
        sampler: node of a `Sampler` without its denoiser; its own halting is not used.
        queries: training queries.
        first_query: where in the training stream they begin, so that they are not those the denoiser learnt from.
        splits: of the task data, beside the training queries.
        max_steps: a row that takes longer is cut there.
        held_out: at most so many problems of each split, evenly spaced; null takes all.
        tried: samplers whose halting rules are tried on the held-out rollouts, at each setting of their calibrated
            parameter.
        positions: how many positions are recorded singly, those in doubt first, for heads that attend to them.
        seed, slots: of sampling.
    """

    sampler: dict[str, Any]
    queries: int
    checkpoint: str | None = None
    first_query: int = 30_000_000
    splits: Sequence[str] = ("validation", "test", "stratified_test")
    max_steps: int = 32
    held_out: int | None = None
    tried: Mapping[str, Any] = field(default_factory=dict)
    positions: int = 0
    seed: int = 0
    slots: int = 256
    trains: ClassVar[bool] = True
    sampler_fields: ClassVar[tuple[str, ...]] = ("tried",)

    def check(self, context: StageContext, dry_run: DryRun) -> None:
        for name, number in (("queries", self.queries), ("held_out", self.held_out)):
            if number is not None and number < 1:
                raise ValueError(f"{name}={number} leaves nothing to record; use at least 1")
        unbound = instantiate(without_halting(self.sampler), context.allow)
        check_recordable(build_sampler(unbound, _begun(self, context, dry_run)), self._rules(context))

    def __call__(self, context: StageContext) -> None:
        folder = context.folder
        source = load_trained_model(start(context, self.checkpoint), folder.allow, context.compute)
        unbound = instantiate(without_halting(self.sampler), folder.allow)
        sampler = unbound(denoiser=source.model)
        for old in folder.file(rollout_name(TRAIN)).parent.glob("*.safetensors"):
            old.unlink()  # of an earlier config: what later stages find here is one sampler's on one checkpoint
        self._record(folder, TRAIN, sampler, *training_problems(source.data, self.queries, self.first_query))
        for split in self.splits:
            problems, task = attrgetter(split)(source.data), source.task
            if problems is None:  # a task without a stratified set
                continue
            problems = problems.take(evenly_spaced(len(problems), self.held_out))
            difficulty = chief_difficulty(task, problems)
            self._record(folder, split, sampler, scored(task, problems), difficulty, self._rules(context))

    def _rules(self, context: StageContext) -> list[Halting]:
        """The halting rules to be tried, at each of their settings."""
        return [one.rule for one in trials(self.tried, context.allow)]

    def _record(
        self,
        folder: RunFolder,
        split: str,
        sampler: Sampler,
        batch: Batch,
        difficulty: Tensor,
        tried: Sequence[Halting] = (),
    ) -> None:
        limits = self.seed, self.slots, self.max_steps
        rollouts = record(sampler, batch, difficulty, *limits, tried, positions=self.positions)
        with folder.atomic_write(rollout_name(split)) as path:
            rollouts.save(path)
        solved = rollouts.padded(rollouts.solved)[:, -1].double().mean()
        steps = rollouts.steps.double().mean()
        print(f"  {split}: {len(rollouts)} rollouts, {100 * solved:.1f}% right at their end, {steps:.2f} steps")


@dataclass(frozen=True)
class FitHalting(Stage):
    """Fits a halting head to recorded rollouts and writes `checkpoints/NAME.safetensors`: the model of `checkpoint`
    with this head, under the name that the objective's halting rule needs (`needs_head`).

    Attributes:
        checkpoint: the one the rollouts were recorded with; null is that of the last stage before this one.
        objective: node of a `HaltingObjective`.
        head: node of an `ObservationHead`, `_partial_: true`, without its width and outputs; without a `_target_` the
            arguments of a `TrajectoryHaltingHead`, such as `inputs` and `init_bias`.
        steps, rows: optimiser steps, and trajectories per step.
        optimizer, scheduler: nodes of a torch optimiser and its learning-rate schedule, `_partial_: true`.
        after: a stage whose head it starts from; null starts anew.
        refresh: the `Record` node of the rollouts: then each epoch sees new queries; null reuses what was recorded.
    """

    objective: dict[str, Any]
    checkpoint: str | None = None
    head: Mapping[str, Any] = field(default_factory=dict)
    steps: int = 800
    rows: int = 128
    optimizer: dict[str, Any] | None = None
    scheduler: dict[str, Any] | None = None
    after: str | None = None
    refresh: dict[str, Any] | None = None
    seed: int = 0
    trains: ClassVar[bool] = True

    def check(self, context: StageContext, dry_run: DryRun) -> None:
        check_steps(self.steps, "trains nothing")
        model = _begun(self, context, dry_run)
        objective: HaltingObjective = instantiate(self.objective, context.allow)
        head = instantiate(self._head(model.width, objective.outputs), context.allow)
        check_optimisation(self, HaltingHeadModule(head, objective, self.steps, **optimisers(self, context.allow)))
        if self.after is not None:
            dry_run.model(context, self.after)
        heads: dict[str, Any] = {**model.heads, str(objective.rule(head).needs_head): head}
        dry_run.models[context.name] = DenoiserWithHeads(model.denoiser, heads)

    def __call__(self, context: StageContext) -> None:
        folder = context.folder
        silence_lightning()
        torch.manual_seed(self.seed)
        objective: HaltingObjective = instantiate(self.objective, folder.allow)
        rollouts = Rollouts.load(folder.file(rollout_name(TRAIN)))
        file = start(context, self.checkpoint)
        model = load_checkpoint(file, folder.allow)
        node = self._head(model.denoiser.width, objective.outputs)  # type: ignore[union-attr]
        head = instantiate(node, folder.allow)
        name = str(objective.rule().needs_head)
        if self.after is None:
            head.fit_scale(rollouts.observation)
        else:
            started = load_checkpoint(context.checkpoint(self.after), folder.allow)
            head.load_state_dict(started.get_submodule(f"heads.{name}").state_dict())
        module = HaltingHeadModule(head, objective, self.steps, **optimisers(self, context.allow))
        batches = RolloutBatches(rollouts, self.rows, self._refresh(context))
        model.heads[name] = fit(module, batches, **progress(context.name, self.steps))  # type: ignore[index]
        header = read_header(file)
        about = {**header.about, "stage": context.name, "objective": self.objective, "seed": self.seed}
        about["untrained"] = sorted(header.untrained - {name})
        config = {**header.config, "heads": {**header.config.get("heads", {}), name: node}}
        save_checkpoint(context.checkpoint(context.name), model, config, about)

    def _head(self, width: int, outputs: int) -> dict[str, Any]:
        """The node of the head for a denoiser of a width."""
        head = {name: value for name, value in self.head.items() if name != "_partial_"}
        return {"_target_": TRAJECTORY, "width": width, "outputs": outputs, **head}

    def _refresh(self, context: StageContext) -> Any:
        if self.refresh is None:
            return None
        stage: Record = instantiate_outer({"seed": self.seed} | self.refresh, "refresh", context.allow)
        source = load_trained_model(start(context, stage.checkpoint), context.allow, context.compute)
        sampler = instantiate(without_halting(stage.sampler), context.allow)(denoiser=source.model)

        def again(epoch: int) -> Rollouts:
            requested = training_problems(source.data, stage.queries, stage.first_query + epoch * stage.queries)
            limits = stage.seed, stage.slots, stage.max_steps
            return record(sampler, *requested, *limits, positions=stage.positions)

        return again


def _begun(stage: Record | FitHalting, context: StageContext, dry_run: DryRun) -> DenoiserWithHeads:
    """The model that a stage begins with, before the run."""
    source = stage.checkpoint
    return dry_run.model(context, None if source is None else str(checkpoint_file(source)))


def training_problems(data: TaskData, number: int, first: int) -> tuple[Batch, Tensor]:
    """So many problems of the training stream and their difficulty [N]."""
    problems = data.training(first, number)
    return scored(data.task, problems), chief_difficulty(data.task, problems)


def without_halting(sampler: Mapping[str, Any]) -> dict[str, Any]:
    """A sampler's node without its halting, which may wait for a head that is not there yet, and without what is
    calibrated of it."""
    return {name: value for name, value in sampler.items() if name not in ("halting", "calibrated")}


def start(context: StageContext, path: str | None) -> Path:
    """The checkpoint a stage works on: that of `checkpoint_file`, or that of the last stage before it."""
    return context.checkpoint() if path is None else checkpoint_file(path)


def evenly_spaced(number: int, most: int | None) -> Tensor:
    """Places of at most `most` of so many things, the first among them; a split may be sorted by difficulty."""
    return torch.arange(number) if most is None or number <= most else torch.arange(most) * number // most


def rollout_name(split: str) -> str:
    """Where a split's rollouts lie in a run folder."""
    return f"rollouts/{split}.safetensors"
