"""The job of `evaluate` and `sample`: a file of queries, answered by a trained model."""

import json
import sys
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from adaptive_diffusion.config import ConfigSearch, NamedSampler, digest
from adaptive_diffusion.runs.cached_sampler import CachedSampler
from adaptive_diffusion.runs.calibration_progress import CalibrationProgress
from adaptive_diffusion.runs.contents import code_of, sha256
from adaptive_diffusion.runs.device import Compute
from adaptive_diffusion.runs.engine import Engine
from adaptive_diffusion.runs.risk import Chosen, Promise, calibrated_parameter, choose
from adaptive_diffusion.runs.sampled import PIECE
from adaptive_diffusion.runs.shards import Sharded
from adaptive_diffusion.runs.trained_model import TrainedModel, load_trained_model
from adaptive_diffusion.storage.folder import RunFolder

SHARD, MANY = 256, 64
"""Queries that are answered before answers are written down, and how many times that on an engine."""


@dataclass(frozen=True)
class QueryJob:
    """A file of queries for a trained model.

    Attributes:
        source: a run folder or a checkpoint.
        queries: a file of queries in a form the task reads.
        seed: keys the random draws.
        skip_bad: leave out queries that cannot be read.
        allow: modules whose classes configs and checkpoints may name.
        engine: answers the queries in shards; None answers all of them in this process.
        folder: where answers are stored as they come; None stores none.
        search: where the configs of samplers are looked for.
        trace: a folder for traces, which `analyze` reads; None records none.
        compute: where the model computes and how precisely; None is the CPU.
        promise: what stopping early may lose; the samplers' calibrated parameters are chosen so on the validation
            problems of the model's task. None leaves the samplers as their configs describe them.
        called: how sentences call the file of queries; None is its path.

    Raises:
        ValueError: a trace together with an engine or a folder of answers.
    """

    source: Path
    queries: Path
    seed: int = 0
    skip_bad: bool = False
    allow: Sequence[str] = ()
    engine: Engine | None = None
    folder: Path | None = None
    search: ConfigSearch | None = None
    trace: Path | None = None
    compute: Compute | None = None
    promise: Promise | None = None
    called: str | None = None

    def __post_init__(self) -> None:
        if self.trace is not None and (self.engine is not None or self.folder is not None):
            raise ValueError(
                "a trace is recorded in one process and in one go: leave out --engine, --workers, --folder"
            )

    @property
    def piece(self) -> int | None:
        """How many answers are sampled and graded at once. The workers of an engine start anew at each call, so an
        engine takes more: what goes to one file of answers, or all where there is no folder."""
        if self.engine is None:
            return PIECE
        return None if self.folder is None else MANY * SHARD

    def held(self) -> AbstractContextManager[RunFolder | None]:
        """The folder of the answers, locked; None where none are stored."""
        return nullcontext() if self.folder is None else RunFolder(self.folder, self.allow)

    def open(self) -> tuple[TrainedModel, Any]:
        """The model and the problems of the file; what is left out is listed on standard error.

        Raises:
            ValueError: a source or a file that cannot be read, or a bad line where `skip_bad` does not allow it.
        """
        source = load_trained_model(self.source, self.allow, self.compute)
        file = source.task.read(self.queries, self.skip_bad)
        for sentence in file.remarks:
            print(sentence.replace(str(self.queries), self.called or str(self.queries)), file=sys.stderr)
        if not len(file.problems):
            raise ValueError(f"{self.queries} holds no query that can be used")
        return source, file.problems

    def chosen(self, source: TrainedModel, samplers: Sequence[NamedSampler]) -> dict[str, Chosen | None]:
        """The setting of each sampler, by its name, that keeps the promise, printed on standard error; None where
        nothing is promised. All samplers are checked before the first is calibrated, which can take minutes.

        Raises:
            ValueError: a sampler that declares no calibrated parameter, or a task without a verifier.
        """
        if self.promise is None:
            return {one.name: None for one in samplers}
        built = {one.name: source.build(one.node) for one in samplers}
        most: dict[str, int] = {}
        for name, sampler in built.items():
            with _naming(name):
                most[name] = 1 + len(calibrated_parameter(sampler).settings)
        found: dict[str, Chosen | None] = {}
        for name, sampler in built.items():
            with _naming(name), CalibrationProgress(name, most[name]) as progress:
                options: dict[str, Any] = {"seed": self.seed, "say": progress.begins}
                found[name] = choose(sampler, source.task, source.data.validation, self.promise, **options)
            print(f"{name}: {found[name]}", file=sys.stderr)
        return found

    def sampler(
        self, source: TrainedModel, named: NamedSampler, held: RunFolder | None = None, chosen: Chosen | None = None
    ) -> Any:
        """The sampler at the chosen setting, in this process or in shards; its answers are stored where there is a
        folder."""
        sampler: Any = source.build(named.node)
        if chosen is not None:
            sampler = sampler.at_setting(chosen.setting)
        if self.engine is not None:
            node, heads = json.dumps(named.node), tuple(sampler.head_names)
            sampler = Sharded(
                self.source,
                node,
                tuple(self.allow),
                self.engine,
                compute=self.compute,
                chosen=chosen,
                head_names=heads,
            )
        if held is None:
            return sampler
        also: list[Any] = [] if self.compute is None else [self.compute.precision]
        also += [] if chosen is None else [chosen.setting]
        also += sorted(code_of(self.allow).items())
        requested = digest([source.contents, sha256(self.queries), self.skip_bad, named.node, *also])
        return CachedSampler(sampler, held, requested, SHARD if self.engine is None else MANY * SHARD)


@contextmanager
def _naming(sampler: str) -> Iterator[None]:
    """Puts the name of a sampler before what is wrong with it."""
    try:
        yield
    except ValueError as error:
        raise ValueError(f"{sampler}: {error}") from error
