"""Sampling in shards on several workers, each of which loads the model once."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any

import torch

from adaptive_diffusion.core.query import Queries
from adaptive_diffusion.runs.cached_sampler import equal_parts, joined
from adaptive_diffusion.runs.device import Compute
from adaptive_diffusion.runs.engine import Engine
from adaptive_diffusion.runs.risk import Chosen
from adaptive_diffusion.runs.trained_model import checkpoint_file, load_trained_model
from adaptive_diffusion.sampling.result import SampleResult
from adaptive_diffusion.sampling.sampler import Sampler


@dataclass(frozen=True)
class Sharded:
    """A sampler on an engine. The noise of a query depends on its id only, so the answers equal those of a single
    process.

    Attributes:
        source: the run folder, checkpoint or name that every worker loads once.
        node: the sampler's node as JSON, so that workers need no config folders.
        allow: modules outside this package whose classes the checkpoint may name.
        shard: queries per piece of work.
        compute: where the workers' models compute and how precisely; None is the CPU.
        chosen: the setting of the calibrated parameter; None leaves the sampler as its node describes it.
        head_names: the heads that the sampler's rules predict with.
    """

    source: Path
    node: str
    allow: tuple[str, ...]
    engine: Engine
    shard: int = 256
    compute: Compute | None = None
    chosen: Chosen | None = None
    head_names: tuple[str, ...] = ()

    def sample(
        self, queries: Queries, n: int = 1, seed: int = 0, slots: int = 256, observers: Iterable[Any] = ()
    ) -> SampleResult:
        """As `Sampler.sample`. Raises `ValueError` for observers: a trace is recorded in one process."""
        if list(observers):
            raise ValueError("a trace is recorded in one process: leave out the engine")
        pieces = [queries.take(part) for part in equal_parts(len(queries), self.shard)]
        where = (checkpoint_file(self.source).resolve(), self.node, self.allow, self.compute, self.chosen)
        answer = partial(_answer, *where, n, seed, slots)
        found = dict(self.engine.each(answer, pieces))
        return joined([found[number] for number in range(len(pieces))])


def _answer(
    source: Path,
    node: str,
    allow: tuple[str, ...],
    compute: Compute | None,
    chosen: Chosen | None,
    n: int,
    seed: int,
    slots: int,
    queries: Queries,
) -> SampleResult:
    several: dict[str, Any] = {"n": n} if n > 1 else {}  # not every sampler has variations
    with torch.inference_mode():
        return _sampler(source, node, allow, compute, chosen).sample(queries, seed=seed, slots=slots, **several)


@cache
def _sampler(
    source: Path, node: str, allow: tuple[str, ...], compute: Compute | None, chosen: Chosen | None
) -> Sampler:
    sampler = load_trained_model(source, allow, compute).build(json.loads(node))
    return sampler if chosen is None else sampler.at_setting(chosen.setting)
