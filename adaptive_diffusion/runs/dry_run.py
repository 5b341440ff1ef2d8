"""What is certain about a run before its first stage."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import torch

from adaptive_diffusion.config import instantiate, instantiate_outer
from adaptive_diffusion.config.resolution import digest
from adaptive_diffusion.models.heads import DenoiserWithHeads
from adaptive_diffusion.models.positions import places_of
from adaptive_diffusion.storage.checkpoint import load_checkpoint
from adaptive_diffusion.tasks.data import TaskData
from adaptive_diffusion.tasks.task import Task

if TYPE_CHECKING:
    from adaptive_diffusion.runs.stage import Stage, StageContext


class DryRun:
    """The data and the untrained models of a run, with which stages check, before the first of them begins, that
    everything fits together.

    Attributes:
        models: stage → the model that it will write. Each stage that writes one adds its own.
    """

    def __init__(self, allow: tuple[str, ...] = ()) -> None:
        self.allow = allow
        self.models: dict[str, DenoiserWithHeads] = {}
        self._made: dict[str, Any] = {}

    def make(self, node: dict[str, Any]) -> Any:
        """The part that a node describes; the same object for the same node.

        Raises:
            ValueError: as `config.instantiate`.
        """
        key = digest(node)
        if key not in self._made:
            self._made[key] = instantiate(node, self.allow)
        return self._made[key]

    def data(self, node: dict[str, Any]) -> TaskData:
        """The task data of a node."""
        return self.make(node)

    def model(self, context: "StageContext", source: str | None) -> DenoiserWithHeads:
        """The model that `context.checkpoint(source)` will hold when the stage begins.

        Raises:
            ValueError: a source that no earlier stage writes and that is not there.
        """
        for stage in reversed(context.earlier) if source is None else [source]:
            if stage in self.models:
                return self.models[stage]
        file = context.checkpoint(source)
        if not file.is_file():
            why = "no earlier stage writes a checkpoint; give a .safetensors file"
            if self.models:
                named = ", ".join(self.models)
                why = f"no earlier stage writes one of that name; the earlier stages that write one are: {named}"
            raise ValueError(f"{source!r} is not a checkpoint file, and {why}")
        return load_checkpoint(file, self.allow)  # type: ignore[return-value]


def check_fit(
    task: dict[str, Any],
    nodes: Sequence[dict[str, Any]],
    contexts: Sequence["StageContext"],
    say: Callable[[str], None],
) -> None:
    """Before the first training, prints what the task's data lacks, and refuses what cannot work in any stage.

    Args:
        task: the node of the task data; one without a `_target_` is not looked at.
        nodes: those of the stages.
        contexts: with which the stages will be called.
        say: receives a sentence about the data.

    Raises:
        ValueError: parts that do not fit together; the sentence starts with the stage.
    """
    dry_run = DryRun(contexts[0].allow)
    with torch.random.fork_rng(devices=[]):
        if "_target_" in task:
            try:
                data = dry_run.data(task)
            except ValueError as error:
                raise ValueError(f"task: {error}") from error
            for sentence in data.check():
                say(sentence)
        for node, context in zip(nodes, contexts, strict=True):
            key = f"stages.{context.name}"
            stage: Stage = instantiate_outer(node, key, context.allow)
            try:
                stage.check(context, dry_run)
            except ValueError as error:
                raise ValueError(f"{key}: {error}") from error


def check_vocabulary(model: DenoiserWithHeads, task: Task) -> None:
    """Refuses a denoiser with fewer tokens than a task. Pretrained models may have more.

    Raises:
        ValueError: naming both numbers.
    """
    if model.vocabulary < task.vocabulary:
        raise ValueError(
            f"the denoiser has {model.vocabulary} tokens, but the task {task.name} has {task.vocabulary}; give the "
            f"denoiser a vocabulary of {task.vocabulary} (model.denoiser.vocabulary={task.vocabulary})"
        )


def check_places(model: DenoiserWithHeads, node: dict[str, Any], task: Task) -> None:
    """Refuses a denoiser with fewer places than a sequence of a task has positions, or with more of them that are
    another board's: the first places of a grid are not those of a smaller one.

    Args:
        node: of the model, for the settings that give it its places.

    Raises:
        ValueError: naming both numbers, and the settings to change.
    """
    places = places_of(model)
    if places is None:
        return
    axes = min(places.shape[1], task.positions.shape[1])
    fits = axes < 2 or torch.equal(places[: task.length, :axes].cpu(), task.positions[:, :axes])
    if len(places) == task.length or (len(places) > task.length and fits):
        return
    sizes = [1 + int(largest) for largest in task.positions.amax(0)]
    fitting = {"length": task.length, "size": sizes[0], **dict(zip(("rows", "columns"), sizes, strict=False))}
    settings = (node.get("denoiser") or {}).get("positions") or {}
    changes = [
        f"model.denoiser.positions.{name}={size}" for name, size in fitting.items() if settings.get(name, size) != size
    ]
    raise ValueError(
        f"a sequence of the task {task.name} has {task.length} positions, but the denoiser has {len(places)} places"
        + ("; set " if axes < 2 or len(places) < task.length else ", of another board; set ")
        + (" ".join(changes) or "model.denoiser.positions to as many places, or take the model config of this task")
    )
