"""Compares the results of two run folders bit by bit: weights, answers, traces and figures."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import torch
from safetensors import SafetensorError, safe_open

from adaptive_diffusion.config.resolution import differences
from adaptive_diffusion.storage.atomic_write import LEFTOVER

TIMES = {"seconds"}
"""Keys whose values differ between any two runs."""
KINDS = {".safetensors", ".parquet", ".json", ".csv"}
NOT_RESULTS = ("resume", "logs", "stages", "figures", "analysis", "manifest.json")
"""Files that describe how a run went, or that are drawn from files which are compared."""


@dataclass(frozen=True)
class Compared:
    """A file of both folders; `difference` is None if it is the same in both."""

    file: str
    difference: str | None


def compared(one: Path, other: Path) -> list[Compared]:
    """All results of both folders, sorted by name."""
    names = sorted({*_results(one), *_results(other)})
    return [Compared(name, difference(one / name, other / name)) for name in names]


def _results(folder: Path) -> Iterator[str]:
    """The result files of a folder, without temporary files of dead processes."""
    for path in folder.rglob("*"):
        inside = path.relative_to(folder)
        left = any(part.startswith(LEFTOVER) for part in inside.parts)
        if path.is_file() and path.suffix in KINDS and not left and not set(NOT_RESULTS) & set(inside.parts):
            yield inside.as_posix()


def difference(one: Path, other: Path) -> str | None:
    """A description of how the second file differs from the first; None if they are the same."""
    if missing := [path for path in (one, other) if not path.is_file()]:
        return f"missing in {missing[0].parent}"
    if one.read_bytes() == other.read_bytes():
        return None
    return {".safetensors": _tensors, ".parquet": _tables, ".json": _plain}.get(one.suffix, _bytes)(one, other)


def damaged(folder: Path) -> list[str]:
    """The results in a folder that cannot be read."""
    return [name for name in _results(folder) if _unreadable(folder / name)]


def _unreadable(path: Path) -> bool:
    try:
        if path.suffix == ".safetensors":
            _read(path)
        elif path.suffix == ".parquet":
            pq.read_table(path)
        elif path.suffix == ".json":
            json.loads(path.read_text())
    except (SafetensorError, pa.ArrowException, OSError, ValueError):
        return True
    return False


def _read(path: Path) -> tuple[dict[str, torch.Tensor], dict[str, str]]:
    with safe_open(path, framework="pt") as file:
        return {name: file.get_tensor(name) for name in file.keys()}, file.metadata() or {}  # noqa: SIM118


def _tensors(one: Path, other: Path) -> str | None:
    (mine, metadata), (theirs, other_metadata) = _read(one), _read(other)
    if mine.keys() != theirs.keys() or any(mine[name].shape != theirs[name].shape for name in mine):
        return "other tensors"
    apart = [name for name in mine if not _same_bits(mine[name], theirs[name])]
    if apart:
        largest = max((mine[name].double() - theirs[name].double()).abs().max().item() for name in apart)
        return f"{len(apart)} of {len(mine)} tensors, by up to {largest:.1e}"
    return None if metadata == other_metadata else "metadata"


def _same_bits(one: torch.Tensor, other: torch.Tensor) -> bool:
    return one.dtype == other.dtype and one.numpy().tobytes() == other.numpy().tobytes()


def _tables(one: Path, other: Path) -> str | None:
    mine, theirs = pq.read_table(one), pq.read_table(other)
    if mine.equals(theirs):
        return None
    if mine.schema != theirs.schema or len(mine) != len(theirs):
        return f"{len(mine)} rows and {len(theirs)}"
    return f"columns {', '.join(name for name in mine.column_names if not mine[name].equals(theirs[name]))}"


def _plain(one: Path, other: Path) -> str | None:
    changes = differences(*(_timeless(json.loads(path.read_text())) for path in (one, other)))
    return "; ".join(changes[:3]) or None


def _timeless(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _timeless(child) for name, child in value.items() if name not in TIMES}
    return [_timeless(child) for child in value] if isinstance(value, list) else value


def _bytes(one: Path, other: Path) -> str:
    mine, theirs = (path.read_text(errors="replace").splitlines() for path in (one, other))
    line = next((n for n, pair in enumerate(zip(mine, theirs, strict=False), 1) if pair[0] != pair[1]), len(mine) + 1)
    return f"from line {line} on"
