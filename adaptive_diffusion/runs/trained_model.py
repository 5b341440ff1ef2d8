"""A trained model by the place or the name of its checkpoint, with the task it was trained for."""

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from adaptive_diffusion.config import ConfigSearch, instantiate, named_sampler
from adaptive_diffusion.models.heads import DenoiserWithHeads
from adaptive_diffusion.runs.compare import build_sampler
from adaptive_diffusion.runs.contents import sha256
from adaptive_diffusion.runs.device import Compute
from adaptive_diffusion.runs.dry_run import check_vocabulary
from adaptive_diffusion.runs.models_to_try import models_to_try
from adaptive_diffusion.runs.recorded_config import CONFIG, read_config
from adaptive_diffusion.sampling.sampler import Sampler
from adaptive_diffusion.storage.checkpoint import load_checkpoint, read_header
from adaptive_diffusion.storage.hub import WEIGHTS, fetch, refuse_misspelt
from adaptive_diffusion.tasks.data import TaskData
from adaptive_diffusion.tasks.task import Task


@dataclass(frozen=True)
class TrainedModel:
    """A model and the data of its task; `contents` is the SHA-256 of its checkpoint, `untrained` names heads that no
    stage has trained, `warned` the sets of such heads of which a warning was given."""

    model: DenoiserWithHeads
    data: TaskData
    allow: Sequence[str]
    contents: str = ""
    untrained: frozenset[str] = frozenset()
    warned: set[tuple[str, ...]] = field(default_factory=set, compare=False)

    @property
    def task(self) -> Task:
        return self.data.task

    def sampler(self, text: str, search: ConfigSearch | None = None) -> Sampler:
        """A sampler of `configs/sampler` on this model, with overrides: `cost_aware halting.price=0.02`."""
        return self.build(named_sampler(text, search).node)

    def build(self, node: Mapping[str, Any]) -> Sampler:
        """The sampler of a node on this model.

        Raises:
            UserWarning: its rules decide by heads that no stage has trained; once for the same heads.
        """
        sampler = build_sampler(instantiate(dict(node), self.allow), self.model)
        random = tuple(sorted(self.untrained.intersection(sampler.head_names)))
        if random and random not in self.warned:
            self.warned.add(random)
            warnings.warn(
                f"the sampler decides by heads that no stage has trained: {', '.join(random)}. Train them, or choose a "
                "sampler without learning, such as confidence",
                stacklevel=2,
            )
        return sampler


def load_trained_model(
    source: Path | str, allow: Sequence[str] = (), compute: Compute | None = None, revision: str | None = None
) -> TrainedModel:
    """The trained model of a checkpoint.

    Args:
        source, revision: as in `checkpoint_file`.
        allow: modules beside this package whose classes the checkpoint may name.
        compute: where the model computes and how precisely; None is the CPU.

    Raises:
        ValueError: as `checkpoint_file`, or a checkpoint that does not name its task.
    """
    file = checkpoint_file(source, revision)
    header = read_header(file)
    about: dict[str, Any] = header.about
    if "task" not in about:
        raise ValueError(f"{file} does not name the task it was trained for")
    model = load_checkpoint(file, allow)
    if not isinstance(model, DenoiserWithHeads):
        raise ValueError(f"{file} holds a {type(model).__name__}, not a denoiser with heads")
    trained = TrainedModel(model, _data(file, about["task"], allow), allow, sha256(file), header.untrained)
    try:
        check_vocabulary(model, trained.task)
    except ValueError as error:
        raise ValueError(f"{file} is refused: {error}") from error
    (compute or Compute()).place(model)
    return trained


def _data(file: Path, node: Any, allow: Sequence[str]) -> TaskData:
    """The task data that a checkpoint names."""
    try:
        data = instantiate(node, allow, ("tasks",))
    except (ModuleNotFoundError, OSError):
        raise
    except Exception as error:  # the values may come from anyone, and constructors were not written for all of them
        raise ValueError(f"{file} is refused: its task config is invalid: {error or type(error).__name__}") from error
    if not isinstance(data, TaskData):
        raise ValueError(f"{file} is refused: its task config builds a {type(data).__name__}, not a TaskData")
    return data


def checkpoint_file(source: Path | str, revision: str | None = None) -> Path:
    """The checkpoint that a user means.

    Args:
        source: a checkpoint file; a run folder (the newest checkpoint counts) or an exported folder; a name of
            `adaptive-diffusion models`; or OWNER/NAME on the Hugging Face hub. What is on the disk comes first. A name
            that ends in `.safetensors` or begins with an existing folder is never looked up on the hub.
        revision: commit, branch or tag on the hub.

    Raises:
        ValueError: nothing of this name, or a folder without a checkpoint.
        ModuleNotFoundError: a name on the hub, while the extra `pretrained` is not installed.
    """
    path, name = Path(source), str(source)
    if path.is_dir():
        return newest_checkpoint(path)
    if path.exists() or path.suffix == Path(WEIGHTS).suffix:
        return path
    to_try = {model.name: model.folder for model in models_to_try()}
    if name in to_try:
        return to_try[name] / WEIGHTS
    if len(path.parts) == 2:
        return newest_checkpoint(fetch(name, revision))
    refuse_misspelt(name)
    raise ValueError(
        f"There is no file or folder {name}, and no model of that name comes with the package: {', '.join(to_try)}. "
        "A name on the hub has the form OWNER/NAME."
    )


def names_a_model(source: Path | str) -> bool:
    """Whether `checkpoint_file` would look for a model of this name: on the disk, among those that come with the
    package, or on the hub."""
    path = Path(source)
    on_the_hub = len(path.parts) == 2 and not path.parent.is_dir()
    return path.exists() or str(source) in {model.name for model in models_to_try()} or on_the_hub


def newest_checkpoint(folder: Path) -> Path:
    """The checkpoint of the last stage that trained, in the order of the run's config; the file of an exported folder.

    The times of the files decide only where there is no config, because copying a folder changes them.

    Raises:
        ValueError: if the folder has no checkpoint, or its config is damaged.
    """
    found = sorted(folder.glob("checkpoints/*.safetensors"), key=lambda path: path.stat().st_mtime)
    if not found and (exported := folder / WEIGHTS).is_file():
        return exported
    if (config := folder / CONFIG).is_file():
        stages = read_config(config).get("stages")
        order = list(stages) if isinstance(stages, dict) else []
        found.sort(key=lambda path: order.index(path.stem) if path.stem in order else -1)
    if not found:
        raise ValueError(f"{folder} holds no checkpoint; train first: adaptive-diffusion train EXPERIMENT")
    return found[-1]
