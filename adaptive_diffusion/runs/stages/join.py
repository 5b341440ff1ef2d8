"""A stage that joins models trained apart into one checkpoint."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from torch import nn

from adaptive_diffusion.config import instantiate
from adaptive_diffusion.models.heads import DenoiserWithHeads
from adaptive_diffusion.runs.dry_run import DryRun, check_vocabulary
from adaptive_diffusion.runs.stage import Stage, StageContext
from adaptive_diffusion.storage.checkpoint import load_checkpoint, read_header, save_checkpoint


@dataclass(frozen=True)
class Join(Stage):
    """Builds one model of parts that were trained separately, such as a denoiser and its planner, and writes it to
    `checkpoints/NAME.safetensors`, NAME being the stage's key.

    Attributes:
        model: node of a `DenoiserWithHeads`.
        data: node of the data of the task that the model answers.
        parts: dotted path of a part of the model → the stage whose checkpoint gives its weights, or a checkpoint file.
    """

    model: dict[str, Any]
    data: dict[str, Any]
    parts: dict[str, str]
    trains: ClassVar[bool] = True

    def check(self, context: StageContext, dry_run: DryRun) -> None:
        model = dry_run.make(self.model)
        check_vocabulary(model, dry_run.data(self.data).task)
        for path, source in self.parts.items():
            _fill(model, path, dry_run.model(context, source), source)
        dry_run.models[context.name] = model

    def __call__(self, context: StageContext) -> None:
        model = instantiate(self.model, context.allow)
        files = {path: context.checkpoint(source) for path, source in self.parts.items()}
        for path, file in files.items():
            _fill(model, path, load_checkpoint(file, context.allow), self.parts[path])
        about: dict[str, Any] = {"task": self.data, "stage": context.name, "parts": dict(self.parts)}
        headers = {path: read_header(file) for path, file in files.items()}
        about["untrained"] = _untrained(model, {path: header.untrained for path, header in headers.items()})
        averaged = {header.about.get("averaged") for header in headers.values()}
        if len(averaged) == 1:  # else the parts differ in which weights they are
            about["averaged"] = averaged.pop()
        save_checkpoint(context.checkpoint(context.name), model.eval(), self.model, about)


def _untrained(model: DenoiserWithHeads, parts: Mapping[str, frozenset[str]]) -> list[str]:
    """Heads with weights that no part gives, and those that a part which is a whole model had not trained either;
    `parts` are the untrained heads of each part by its path."""

    def given(name: str) -> bool:
        own = any(f"{path}.".startswith(f"heads.{name}.") for path in parts)
        return own or any(not path and name not in untrained for path, untrained in parts.items())

    with_weights = [name for name, head in model.heads.items() if list(head.parameters())]
    return sorted(name for name in with_weights if not given(name))


def _fill(model: nn.Module, path: str, trained: nn.Module, source: str) -> None:
    """Gives the part at `path` the weights of a trained model.

    Raises:
        ValueError: a path that is not in the model, or weights of another model.
    """
    try:
        model.get_submodule(path).load_state_dict(trained.state_dict())
    except (AttributeError, RuntimeError) as error:
        raise ValueError(f"parts.{path}: the weights of {source} do not fit: {error}") from error
