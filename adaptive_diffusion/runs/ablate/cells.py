"""A cell: one setting of a sweep, addressed by its config."""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import torch

from adaptive_diffusion.config import ConfigSearch, compose, compose_part, digest, instantiate, resolve
from adaptive_diffusion.config.grid import Setting
from adaptive_diffusion.runs.compare import build_sampler, compare
from adaptive_diffusion.runs.contents import code_of, files_named, sha256
from adaptive_diffusion.runs.device import Compute
from adaptive_diffusion.runs.experiment import read_stages, run_experiment, with_samplers
from adaptive_diffusion.runs.trained_model import checkpoint_file, load_trained_model
from adaptive_diffusion.storage.checkpoint import read_header
from adaptive_diffusion.storage.folder import RunFolder
from adaptive_diffusion.tasks.task import Task

Rows = list[dict[str, Any]]
OWN = ("sampler", "seed")
"""Keys of a sampling sweep that are the cell's and not the sampler's."""


class Cell(Protocol):
    """A setting and how to try it.

    Attributes:
        setting: the overrides that make it.
        digest: of its config, without the code and the files that it names. Cells of equal digest are one cell.
    """

    @property
    def setting(self) -> Setting: ...

    @property
    def digest(self) -> str: ...

    def contents(self, allow: tuple[str, ...]) -> dict[str, str]:
        """Digests of the code of allowed modules and of the files that the result depends on, by their names."""
        ...

    def run(self, folder: RunFolder) -> Rows:
        """Does the work in a folder of its own and returns a summary row for each sampler."""
        ...


@dataclass(frozen=True)
class ExperimentCell:
    """An experiment from training to `summary.json`; `config` holds its plain values."""

    setting: Setting
    config: dict[str, Any]
    compute: Compute = field(default_factory=Compute)

    @property
    def digest(self) -> str:
        return digest([self.config, self.compute.precision])

    def contents(self, allow: tuple[str, ...]) -> dict[str, str]:
        return read_stages(self.config, allow)[-1].contents

    def run(self, folder: RunFolder) -> Rows:
        # Its folder has no other config, so `update` means other code or data: what depends on them is run again.
        run_experiment(self.config, folder, update=True, compute=self.compute)
        summary = folder.read_json("summary.json")
        if summary is None:
            raise ValueError("the experiment writes no summary.json: it has no stage that evaluates")
        return summary["samplers"]


@dataclass(frozen=True)
class SamplerCell:
    """A sampler on a trained model, with a trace that `analyze` reads.

    Attributes:
        node: of the sampler.
        source, checkpoint: run folder or checkpoint, and the checkpoint's SHA-256.
        queries: file of queries; None asks the task's validation problems, because a sweep chooses.
        skip_bad: leave out queries that cannot be read, with a warning, instead of raising.
    """

    setting: Setting
    sampler: str
    node: dict[str, Any]
    seed: int
    source: Path
    checkpoint: str
    queries: Path | None = None
    compute: Compute = field(default_factory=Compute)
    skip_bad: bool = False

    @property
    def digest(self) -> str:
        requested = "validation" if self.queries is None else sha256(self.queries)
        return digest([self.checkpoint, requested, self.sampler, self.node, self.seed, self.compute.precision])

    def contents(self, allow: tuple[str, ...]) -> dict[str, str]:
        return code_of(allow) | files_named(self.node)

    def run(self, folder: RunFolder) -> Rows:
        source = load_trained_model(self.source, folder.allow, self.compute)
        problems = source.data.validation if self.queries is None else self._read(source.task, self.queries)
        sampler = build_sampler(instantiate(self.node, folder.allow), source.model)
        with torch.inference_mode(), folder.atomic_write("traces") as traces:
            row, _ = compare(self.sampler, sampler, source.task, problems, self.seed, trace=traces / self.sampler)
        folder.write_json("summary.json", {"task": source.task.name, "seed": self.seed, "samplers": [row]})
        return [row]

    def _read(self, task: Task, queries: Path) -> Any:
        file = task.read(queries, self.skip_bad)
        for sentence in file.remarks:
            warnings.warn(sentence, stacklevel=2)
        return file.problems


def experiment_cells(
    experiment: str,
    settings: Sequence[Setting],
    search: ConfigSearch | None = None,
    allow: tuple[str, ...] = (),
    compute: Compute | None = None,
) -> list[Cell]:
    """A cell for each setting of an experiment. Raises `ValueError` as `compose` does, before anything is run."""
    configs = [resolve(compose(experiment, setting, search)) for setting in settings]
    return [
        ExperimentCell(setting, with_samplers(config, allow, search), compute or Compute())
        for setting, config in zip(settings, configs, strict=True)
    ]


def sampler_cells(
    source: Path,
    settings: Sequence[Setting],
    queries: Path | None = None,
    search: ConfigSearch | None = None,
    compute: Compute | None = None,
    skip_bad: bool = False,
) -> list[Cell]:
    """A cell for each setting of a sampler on a trained model; `sampler=` and `seed=` are keys of the cell itself.

    Raises:
        ValueError: a source without a checkpoint, a setting without a sampler, or as `compose_part`.
    """
    file = checkpoint_file(source)
    read_header(file)  # what is no checkpoint is refused before a folder is made
    contents = sha256(file)
    compute = compute or Compute()
    cells: list[Cell] = []
    for setting in settings:
        own = dict(override.split("=", 1) for override in setting if override.split("=", 1)[0] in OWN)
        if "sampler" not in own:
            raise ValueError("a sweep over sampling needs the sampler's name: sampler=learned, or sampler=a,b")
        if not own.get("seed", "0").isdecimal():
            raise ValueError(f"seed={own['seed']} must be a whole number from 0")
        rest = [override for override in setting if override.split("=", 1)[0] not in OWN]
        node = resolve(compose_part("sampler", own["sampler"], rest, search))
        seed = int(own.get("seed", 0))
        cells.append(
            SamplerCell(setting, own["sampler"], node, seed, file.resolve(), contents, queries, compute, skip_bad)
        )
    return cells
