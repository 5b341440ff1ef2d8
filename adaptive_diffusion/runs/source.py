"""A trained model from a run folder or a checkpoint file, with the task it was trained for."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from adaptive_diffusion.config import compose_part, instantiate
from adaptive_diffusion.models.heads import DenoiserWithHeads
from adaptive_diffusion.runs.checkpoint import load_checkpoint, read_header
from adaptive_diffusion.runs.compare import build_sampler
from adaptive_diffusion.sampling.sampler import Sampler
from adaptive_diffusion.tasks.task import Task


@dataclass(frozen=True)
class Source:
    """A model and the data module of its task."""

    model: DenoiserWithHeads
    data: Any
    allow: Sequence[str]

    @property
    def task(self) -> Task:
        return self.data.task

    def sampler(self, name: str) -> Sampler:
        """The sampler `configs/sampler/NAME.yaml` on this model. Changes may follow: `priced halting.price=0.02`."""
        chosen, *changes = name.split() or [""]
        return build_sampler(instantiate(compose_part("sampler", chosen, changes), self.allow), self.model)


def open_source(path: Path, allow: Sequence[str] = ()) -> Source:
    """The newest checkpoint of a run folder, or the checkpoint itself.

    Raises:
        ValueError: where there is none, or one that does not say which task it answers.
    """
    file = newest_checkpoint(path) if path.is_dir() else path
    about: dict[str, Any] = read_header(file).about
    if "task" not in about:
        raise ValueError(f"{file} does not say which task it was trained for")
    model = load_checkpoint(file, allow)
    if not isinstance(model, DenoiserWithHeads):
        raise ValueError(f"{file} holds a {type(model).__name__}, not a denoiser with heads")
    return Source(model, instantiate(about["task"], allow, ("tasks",)), allow)


def newest_checkpoint(folder: Path) -> Path:
    """The checkpoint of the last stage that trained.

    Raises:
        ValueError: a folder without checkpoints.
    """
    found = sorted(folder.glob("checkpoints/*.safetensors"), key=lambda path: path.stat().st_mtime)
    if not found:
        raise ValueError(f"{folder} holds no checkpoint; train first: adaptive-diffusion train EXPERIMENT")
    return found[-1]
