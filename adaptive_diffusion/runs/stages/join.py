"""A stage that joins models trained apart into one checkpoint."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from adaptive_diffusion.config import instantiate
from adaptive_diffusion.runs.stages.training import checkpoint
from adaptive_diffusion.storage.checkpoint import load_checkpoint, save_checkpoint
from adaptive_diffusion.storage.folder import RunFolder


@dataclass(frozen=True)
class Join:
    """Writes `checkpoints/NAME.safetensors`: a model whose parts were trained on their own, such as a denoiser and the
    planner it is sampled with.

    Attributes:
        name: of the stage and its checkpoint.
        model: node of a `DenoiserWithHeads`.
        data: node of a LightningDataModule, whose task it answers.
        parts: dotted path of a part → the stage whose checkpoint it is, or the file of one.
    """

    name: str
    model: dict[str, Any]
    data: dict[str, Any]
    parts: dict[str, str]
    trains: ClassVar[bool] = True

    def __call__(self, folder: RunFolder, resume: Path) -> None:
        model = instantiate(self.model, folder.allow)
        for path, source in self.parts.items():
            file = Path(source) if source.endswith(".safetensors") else folder.file(checkpoint(source))
            model.get_submodule(path).load_state_dict(load_checkpoint(file, folder.allow).state_dict())
        about = {"task": self.data, "stage": self.name, "parts": dict(self.parts)}
        save_checkpoint(folder.file(checkpoint(self.name)), model.eval(), self.model, about)
