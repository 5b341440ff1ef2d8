"""A stage that joins models trained apart into one checkpoint."""

from dataclasses import dataclass
from typing import Any, ClassVar

from adaptive_diffusion.config import instantiate
from adaptive_diffusion.runs.stage import Stage, StageContext
from adaptive_diffusion.storage.checkpoint import load_checkpoint, save_checkpoint


@dataclass(frozen=True)
class Join(Stage):
    """Builds one model of parts that were trained separately, such as a denoiser and its planner, and writes it to
    `checkpoints/NAME.safetensors`, NAME being the stage's key.

    Attributes:
        model: node of a `DenoiserWithHeads`.
        data: node of the data module of the task that the model answers.
        parts: dotted path of a part of the model → the stage whose checkpoint gives its weights, or a checkpoint file.
    """

    model: dict[str, Any]
    data: dict[str, Any]
    parts: dict[str, str]
    trains: ClassVar[bool] = True

    def __call__(self, context: StageContext) -> None:
        model = instantiate(self.model, context.allow)
        for path, source in self.parts.items():
            weights = load_checkpoint(context.checkpoint(source), context.allow).state_dict()
            model.get_submodule(path).load_state_dict(weights)
        about = {"task": self.data, "stage": context.name, "parts": dict(self.parts)}
        save_checkpoint(context.checkpoint(context.name), model.eval(), self.model, about)
