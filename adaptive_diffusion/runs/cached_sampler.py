"""A sampler that writes its answers to files shard by shard, so that an interruption loses at most one shard."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, fields
from itertools import accumulate, pairwise
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from adaptive_diffusion.core.query import Queries
from adaptive_diffusion.core.tensor_files import tensors_written
from adaptive_diffusion.sampling.result import SampleResult
from adaptive_diffusion.storage.folder import RunFolder

PLAIN = ("rows_forwarded", "faults", "reasons", "trace")


@dataclass(frozen=True)
class CachedSampler:
    """Writes the answers of a sampler to files of a folder, and reads the files that are already there.

    The noise of a query depends on its id only, so the answers equal those of a single call.

    Attributes:
        sampler: an object with the method `sample` and `head_names`.
        folder: locked by this process.
        digest: of everything that the answers depend on, except queries, n and seed.
        shard: queries per file.
    """

    sampler: Any
    folder: RunFolder
    digest: str
    shard: int = 256

    @property
    def head_names(self) -> list[str]:
        """Those of the sampler."""
        return list(self.sampler.head_names)

    def sample(self, queries: Queries, n: int = 1, seed: int = 0, **options: Any) -> SampleResult:
        """As `Sampler.sample`. Raises `ValueError` for observers, which would miss the answers that are read."""
        if list(options.get("observers", ())):
            raise ValueError("a trace is recorded in a single call: leave out --folder")
        parts = []
        for part in equal_parts(len(queries), self.shard):
            shard = queries.take(part)
            first = int(shard.ids[0])
            file = self.folder.file(f"answers/{self.digest[:16]}-{n}-{seed}/{first:09d}.safetensors")
            result = _read(file) if file.is_file() else None
            if result is None or not torch.equal(result.query, shard.ids.repeat_interleave(n)):
                several = {"n": n} if n > 1 else {}  # not every sampler has variations
                answers = self.sampler.sample(shard, seed=seed, **several, **options)
                with self.folder.atomic_write(str(file.relative_to(self.folder.path))) as part_file:
                    _write(answers, part_file)
                result = _read(file)
            parts.append(result)
        return joined(parts)


def equal_parts(count: int, largest: int) -> Iterator[slice]:
    """`count` rows in parts of at most `largest` and of nearly equal size. Equal, because a part in which every row
    fails is an error, and a last part of one row would fail with that row."""
    parts = max(1, -(-count // max(1, largest)))
    size, longer = divmod(count, parts)
    bounds = [number * size + min(number, longer) for number in range(parts + 1)]
    yield from (slice(*pair) for pair in pairwise(bounds) if count)


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
    rows = sum(part.rows_forwarded for part in parts)
    return SampleResult(**columns, rows_forwarded=rows, faults=faults, reasons=parts[0].reasons, trace=None)


def _write(result: SampleResult, path: Path) -> None:
    tensors = {item.name: getattr(result, item.name) for item in fields(SampleResult) if item.name not in PLAIN}
    plain = {
        "rows_forwarded": result.rows_forwarded,
        "faults": dict(result.faults),
        "reasons": dict(result.reasons),
    }
    with tensors_written(path):
        save_file({name: value.contiguous() for name, value in tensors.items()}, path, {"plain": json.dumps(plain)})


def _read(path: Path) -> SampleResult:
    """Raises `ValueError` if the file has no answers."""
    try:
        with safe_open(path, framework="pt") as file:
            plain = json.loads((file.metadata() or {})["plain"])
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (not a mapping)
        faults = {int(row): str(why) for row, why in plain["faults"].items()}
        reasons = {int(code): (str(name), str(why)) for code, (name, why) in plain["reasons"].items()}
        rows = int(plain["rows_forwarded"])
        return SampleResult(**tensors, rows_forwarded=rows, faults=faults, reasons=reasons, trace=None)
    except (SafetensorError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"{path} is damaged: {error}. Remove it to answer its queries again.") from error
