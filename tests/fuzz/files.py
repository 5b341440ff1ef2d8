"""Targets that read checkpoints, run folders and traces, and the sound ones that are mutated."""

import io
import json
import random
import struct
import warnings
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import torch
from hostile.case import sound_model
from safetensors.torch import save
from synthetic_traces import Row, commit, record, revoke

from adaptive_diffusion.analysis.metrics import measure
from adaptive_diffusion.core.trace import HEADER_KEY, SHARDS_KEY, VERSION, VERSION_KEY, read_trace
from adaptive_diffusion.runs.trained_model import load_trained_model
from adaptive_diffusion.storage.checkpoint import load_checkpoint
from adaptive_diffusion.storage.folder import RunFolder


def checkpoint(data: bytes, folder: Path) -> None:
    path = folder / "model.safetensors"
    path.write_bytes(data)
    load_checkpoint(path)


def source(data: bytes, folder: Path) -> None:
    """Config and task as JSON; the weights are sound."""
    config, _, task = data.partition(b"\n")
    path = folder / "source.safetensors"
    about = b'{"task": ' + task + b"}"
    output = {
        "format": "adaptive-diffusion/1",
        "config": config.decode("utf-8", "replace"),
        "about": about.decode("utf-8", "replace"),
    }
    path.write_bytes(save(_sound()[1], output))
    load_trained_model(path)


def run_folder(data: bytes, folder: Path) -> None:
    name, _, content = data.decode("utf-8", "surrogateescape").partition("\n")
    held = RunFolder(folder / "run")
    path = held.file(name)
    assert path.resolve().is_relative_to((folder / "run").resolve())
    (folder / "some.json").write_bytes(content.encode("utf-8", "surrogateescape"))
    RunFolder(folder).read_json("some.json")


def trace_bytes(data: bytes, folder: Path) -> None:
    """The files of a trace, behind each other, each with its length."""
    place, names = folder / "trace", ("events", "steps", "rows")
    place.mkdir(exist_ok=True)
    for name in names:
        size = struct.unpack("<I", data[:4].ljust(4, b"\0"))[0]
        (place / f"{name}-00000.parquet").write_bytes(data[4 : 4 + size])
        data = data[4 + size :]
    measure("fuzz", read_trace(place))


def trace_columns(data: bytes, folder: Path) -> None:
    """A sound trace, some of whose numbers are others."""
    draw, place = random.Random(data), folder / "columns"
    trace = _trace()
    place.mkdir(exist_ok=True)
    for name in ("events", "steps", "rows"):
        table = getattr(trace, name)
        for _ in range(draw.choice((0, 1, 1, 2))):
            index = draw.randrange(table.num_columns)
            values, at = table.column(index).to_pylist(), draw.randrange(max(1, table.num_rows))
            odd = [None, 0, -1, 1, 2**30, True, 0.5, float("nan"), "commit", "x", [], [1], [1, None], [-5] * 4]
            values[at : at + 1] = [draw.choice(odd)] * draw.choice((1, 1, 1, 0, 2))
            values = (values * 2)[: table.num_rows]
            try:
                column = pa.array(values, table.schema.field(index).type)
            except (pa.ArrowException, TypeError, OverflowError):
                continue
            table = table.set_column(index, table.schema.field(index), column)
        header = trace.header.to_json()
        if draw.random() < 0.3:
            start = draw.randrange(len(header))
            header = header[:start] + draw.choice(("", "0", "null", "{", "9" * 9)) + header[start + draw.randrange(9) :]
        metadata = {VERSION_KEY: VERSION.encode(), SHARDS_KEY: b"1", HEADER_KEY: header.encode()}
        pq.write_table(table.replace_schema_metadata(metadata), place / f"{name}-00000.parquet")
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        measure("fuzz", read_trace(place))


@cache
def _sound() -> tuple[dict[str, Any], dict[str, torch.Tensor], dict[str, Any]]:
    network, tensors, task = sound_model()
    return network, {name: value.clone() for name, value in tensors.items()}, task


@cache
def _trace() -> Any:
    rows = [
        Row(
            [-1, 1, -1],
            [[commit(0, 0)], [revoke(0, 0)], [commit(0, 2), commit(2, 1)]],
            target=[2, 1, 1],
            difficulty=1.0,
        ),
        Row([-1, -1, 0], [[commit(0, 2), commit(1, 1)]], target=[2, 1, 0], query=1, difficulty=0.0),
    ]
    with TemporaryDirectory() as folder:
        return record(Path(folder), rows)


def checkpoints() -> list[bytes]:
    config, tensors, task = _sound()
    output = {"format": "adaptive-diffusion/1", "config": json.dumps(config), "about": json.dumps({"task": task})}
    return [save(tensors, output), save({"a": torch.zeros(1)}, output), save({})]


def traces() -> list[bytes]:
    trace, parts = _trace(), []
    header = trace.header.to_json().encode()
    metadata = {VERSION_KEY: VERSION.encode(), SHARDS_KEY: b"1", HEADER_KEY: header}
    for name in ("events", "steps", "rows"):
        file = io.BytesIO()
        pq.write_table(getattr(trace, name).replace_schema_metadata(metadata), file)
        parts += [struct.pack("<I", len(file.getvalue())), file.getvalue()]
    return [b"".join(parts)]


def sources() -> list[bytes]:
    config, _, task = _sound()
    return [b"\n".join(json.dumps(part).encode() for part in (config, task))]
