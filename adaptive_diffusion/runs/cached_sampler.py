"""Answers that are written down as they come, so that an interruption costs a shard and not the night."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, fields
from itertools import accumulate
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from adaptive_diffusion.core.query import Queries
from adaptive_diffusion.sampling.result import SampleResult
from adaptive_diffusion.storage.folder import RunFolder

PLAIN = ("rows_forwarded", "faults")


@dataclass(frozen=True)
class CachedSampler:
    """A sampler whose answers go to files of a folder, `shard` queries each; what is there is not asked again.

    A query's noise hangs on its id alone, so the answers are those of a single call.

    Attributes:
        sampler: has a `sample`.
        folder: entered, so that it is this process's alone.
        digest: of everything the answers depend on beside queries, n and seed.
    """

    sampler: Any
    folder: RunFolder
    digest: str
    shard: int = 256

    def sample(self, queries: Queries, n: int = 1, seed: int = 0, **options: Any) -> SampleResult:
        """As `Sampler.sample`. Raises `ValueError` for observers, who would miss what was answered before."""
        if list(options.get("observers", ())):
            raise ValueError("a trace is recorded in one go: leave out --folder")
        parts = []
        for first, shard in in_shards(queries, self.shard):
            file = self.folder.file(f"answers/{self.digest[:16]}-{n}-{seed}/{first:09d}.safetensors")
            if not file.is_file():
                several = {"n": n} if n > 1 else {}  # not every sampler knows of variations
                result = self.sampler.sample(shard, seed=seed, **several, **options)
                with self.folder.atomic_write(str(file.relative_to(self.folder.path))) as part:
                    _write(result, part)
            parts.append(_read(file))
        return joined(parts)


def in_shards(queries: Queries, largest: int) -> Iterator[tuple[int, Queries]]:
    """Consecutive queries of nearly equal number, each part with where it begins. Equal, because a part in which every
    row raises is given up, and a last one of a single row would be so for that row's fault."""
    parts = torch.arange(len(queries)).tensor_split(max(1, -(-len(queries) // largest)))
    yield from ((int(part[0]), queries.take(part)) for part in parts if len(part))


def joined(parts: Iterable[SampleResult]) -> SampleResult:
    """The answers of consecutive shards as those of one call."""
    parts = list(parts)
    columns = {
        field.name: torch.cat([getattr(part, field.name) for part in parts])
        for field in fields(SampleResult)
        if field.name not in PLAIN
    }
    begins = accumulate((len(part.query) for part in parts), initial=0)
    faults = {begin + row: why for begin, part in zip(begins, parts, strict=False) for row, why in part.faults.items()}
    return SampleResult(**columns, rows_forwarded=sum(part.rows_forwarded for part in parts), faults=faults)


def _write(result: SampleResult, path: Path) -> None:
    tensors = {item.name: getattr(result, item.name) for item in fields(SampleResult) if item.name not in PLAIN}
    plain = {"rows_forwarded": result.rows_forwarded, "faults": dict(result.faults)}
    try:
        save_file({name: value.contiguous() for name, value in tensors.items()}, path, {"plain": json.dumps(plain)})
    except SafetensorError as error:  # a full disk, told in its own words
        raise OSError(f"{path} cannot be written: {error}") from error


def _read(path: Path) -> SampleResult:
    """Raises `ValueError` for a file that holds no answers."""
    try:
        with safe_open(path, framework="pt") as file:
            plain = json.loads((file.metadata() or {})["plain"])
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (not a mapping)
        faults = {int(row): str(why) for row, why in plain["faults"].items()}
        return SampleResult(**tensors, rows_forwarded=int(plain["rows_forwarded"]), faults=faults)
    except (SafetensorError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"{path} is damaged: {error}. Remove it to have its queries answered again.") from error
