"""A stage: one step of an experiment, such as a training, a comparison of samplers or a report."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

import torch

from adaptive_diffusion.runs.device import Compute
from adaptive_diffusion.runs.dry_run import DryRun
from adaptive_diffusion.storage.folder import RunFolder

CHECKPOINT = ".safetensors"


@dataclass(frozen=True)
class StageContext:
    """What a stage is called with.

    Attributes:
        folder: the run folder, locked. Results are written through it, each of them complete or not at all.
        name: the stage's key in `stages`; it names its checkpoint and its logs.
        resume: a folder of this stage alone, for what it needs to go on after an interruption. It is removed when the
            stage is finished, and emptied when the stage's config has changed.
        compute: where models compute and how precisely.
        config: `seed`, `task` and `model` of the experiment, as far as it has them; plain values.
        earlier: names of the stages before this one, in order.
    """

    folder: RunFolder
    name: str = "stage"
    resume: Path = Path("resume")
    compute: Compute = field(default_factory=Compute)
    config: Mapping[str, Any] = field(default_factory=dict)
    earlier: Sequence[str] = ()

    @property
    def device(self) -> torch.device:
        """Where models compute."""
        return self.compute.device

    @property
    def allow(self) -> tuple[str, ...]:
        """Modules beside this package whose classes configs and checkpoints may name."""
        return self.folder.allow

    def checkpoint(self, source: str | None = None) -> Path:
        """The checkpoint file of a stage of this run, or the file itself where `source` ends in `.safetensors`.

        Without a source it is the checkpoint of the last earlier stage that wrote one.

        Raises:
            ValueError: without a source, where no earlier stage wrote a checkpoint.
        """
        if source is not None:
            return Path(source) if source.endswith(CHECKPOINT) else self.folder.file(checkpoint(source))
        for stage in reversed(self.earlier):
            if (file := self.folder.file(checkpoint(stage))).is_file():
                return file
        raise ValueError(f"{self.name}: no stage before it has trained a model in {self.folder.path}")


class Stage(ABC):
    """A stage of an experiment; its fields come from its node in the config as plain values, nodes included.

    A field `data`, `model` or `seed` that the node does not set is taken from the experiment's `task`, `model` or
    `seed`.

    Attributes:
        trains: whether `adaptive-diffusion train` runs it.
        sampler_fields: fields that list samplers, as `config.sampler_spec` describes; the stage is given a mapping
            from their names to their nodes, `{name: {family, sampler}}`.
    """

    trains: ClassVar[bool] = False
    sampler_fields: ClassVar[tuple[str, ...]] = ()

    def check(self, context: StageContext, dry_run: DryRun) -> None:  # noqa: B027 (a stage may have nothing to check)
        """Refuses, before the first stage of a run begins, what is certain to fail here; by default nothing. A stage
        that writes a checkpoint enters its untrained model in `dry_run.models`.

        Raises:
            ValueError: parts that do not fit together.
        """

    @abstractmethod
    def __call__(self, context: StageContext) -> dict[str, Any] | None:
        """Does the work. What it returns, such as the hash of its data, is noted in the manifest."""


def checkpoint(stage: str) -> str:
    """Where a stage's checkpoint lies in its run folder."""
    return f"checkpoints/{stage}{CHECKPOINT}"
