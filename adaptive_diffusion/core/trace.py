"""What a sampler did, recorded: the versioned trace schema and its reader (`trace_writer.py` has the writer).

A trace is a folder of three tables, each a sequence of Parquet shards (`events-00000.parquet`, …):

* `events`, a row per token that was committed, remasked or replaced;
* `steps`, a row per step of a query;
* `rows`, a row per query and variation: what it cost, why it halted, what it answered, and what the task says of it.

Every shard is a complete file (written beside its place, then renamed). The closing shard of each table carries the
number of shards, which shows whether the writer of a trace was killed before its end; that of `rows` carries the header
(`trace_header.py`), which describes the task, the sampler and the further columns. `docs/traces.md` has every column.
"""

from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from adaptive_diffusion.core.events import EVENT_NAMES
from adaptive_diffusion.core.trace_header import TraceHeader
from adaptive_diffusion.core.trace_validation import damage

VERSION = "2"
VERSION_KEY = b"adaptive_diffusion_trace"
SHARDS_KEY = b"adaptive_diffusion_trace_shards"
HEADER_KEY = b"adaptive_diffusion_trace_header"


_INT, _FLOAT, _BOOL, _TOKENS = pa.int32(), pa.float32(), pa.bool_(), pa.list_(pa.int32())
_NULLABLE = {"halt_probability", "correct", "exact", "valid", "score", "target"}
_KEYS = {"query": pa.int64(), "variation": _INT}
COLUMNS: dict[str, dict[str, pa.DataType]] = {
    "events": {
        **_KEYS,
        "step": _INT,
        "position": _INT,
        "token": _INT,
        "event": pa.dictionary(pa.int8(), pa.string()),
        "confidence": _FLOAT,
    },
    "steps": {**_KEYS, "step": _INT, "open": _INT, "halt_probability": _FLOAT, "correct": _BOOL},
    "rows": {
        **_KEYS,
        "length": _INT,
        "nfe": _INT,
        "token_forwards": pa.int64(),
        "halt_reason": pa.string(),
        "halt_sentence": pa.string(),
        "revisions": _INT,
        "rewrites": _INT,
        "correct": _BOOL,
        "exact": _BOOL,
        "valid": _BOOL,
        "score": _FLOAT,
        "answer": _TOKENS,
        "start": _TOKENS,
        "target": _TOKENS,
    },
}
"""The columns of every trace; its header adds float columns that may be null."""


def schema(table: str, header: TraceHeader) -> pa.Schema:
    """The columns of a table of a trace with this header."""
    fixed = [pa.field(name, kind, nullable=name in _NULLABLE) for name, kind in COLUMNS[table].items()]
    return pa.schema([*fixed, *(pa.field(name, _FLOAT) for name in header.extra(table))])


@dataclass(frozen=True)
class Trace:
    """A trace in memory, as three pyarrow tables; `docs/traces.md` names their columns and units."""

    events: pa.Table
    steps: pa.Table
    rows: pa.Table
    header: TraceHeader = field(default_factory=TraceHeader)


def read_trace(folder: Path | str) -> Trace:
    """Reads a finished trace.

    Raises:
        ValueError: a folder without a trace or with an unfinished one, one of another version, with other columns or
            numbers that no sampler writes, or a file that is truncated or not Parquet.
    """
    folder = Path(folder)
    header = _read_header(folder)
    trace = Trace(**{name: _read_table(folder, name, schema(name, header)) for name in COLUMNS}, header=header)
    if wrong := damage(trace.events, trace.steps, trace.rows, EVENT_NAMES):
        raise ValueError(f"the trace in {folder} is damaged: {wrong}; record it again")
    return trace


def read_rows(folder: Path | str) -> tuple[TraceHeader, pa.Table]:
    """The header and the rows of a finished trace, without its events and steps.

    Raises:
        ValueError: as `read_trace`.
    """
    header = _read_header(Path(folder))
    return header, _read_table(Path(folder), "rows", schema("rows", header))


def _read_header(folder: Path) -> TraceHeader:
    """The header, which the closing shard of `rows` carries."""
    metadata = _metadata(_shards(folder, "rows")[-1])
    if HEADER_KEY not in metadata:
        raise ValueError(f"the trace in {folder} is unfinished: its rows have no closing shard; record it again")
    try:
        return TraceHeader.from_json(metadata[HEADER_KEY])
    except ValueError as error:
        raise ValueError(f"the trace in {folder} is damaged: {error}; record it again") from error


def _read_table(folder: Path, name: str, expected: pa.Schema) -> pa.Table:
    paths = _shards(folder, name)
    closing = _metadata(paths[-1]).get(SHARDS_KEY)
    if closing is None or not closing.isdigit():
        raise ValueError(f"the trace in {folder} is unfinished: its {name} have no closing shard; record it again")
    if int(closing) != len(paths):
        raise ValueError(f"the trace in {folder} has {len(paths)} of its {int(closing)} {name} shards; record it again")
    return pa.concat_tables(_read_shard(path, expected).replace_schema_metadata() for path in paths)


def _metadata(path: Path) -> dict[bytes, bytes]:
    """The metadata of a shard of this version."""
    try:
        metadata = pq.read_schema(path).metadata or {}
    except (pa.ArrowException, OSError) as error:
        raise ValueError(f"{path} cannot be read: it is truncated or not Parquet ({error}); record it again") from error
    if VERSION_KEY not in metadata:
        raise ValueError(f"{path} is no trace: it lacks the {VERSION_KEY.decode()} version")
    if (version := metadata[VERSION_KEY].decode(errors="backslashreplace")) != VERSION:
        raise ValueError(
            f"{path} is a trace of version {version}, this program reads {VERSION}; evaluate the samplers again"
        )
    return metadata


def _read_shard(path: Path, expected: pa.Schema) -> pa.Table:
    _metadata(path)
    try:
        with pq.ParquetFile(path) as file:
            table = file.read()
    except (pa.ArrowException, OSError) as error:
        raise ValueError(f"{path} cannot be read: it is truncated or not Parquet ({error}); record it again") from error
    if not table.schema.equals(expected):
        raise ValueError(f"{path} does not have the columns of its table: {table.schema.names}; record it again")
    if gaps := [one.name for one in expected if not one.nullable and table[one.name].null_count]:
        raise ValueError(f"{path} has gaps in {gaps[0]}; record it again")
    return table


def _shards(folder: Path, name: str) -> list[Path]:
    if not (paths := shard_paths(folder, name)):
        missing = f"it has no {name}-*.parquet"
        if any(shard_paths(folder, table) for table in COLUMNS):
            raise ValueError(f"the trace in {folder} is unfinished: {missing}; record it again")
        raise ValueError(f"{folder} holds no trace: {missing}")
    return paths


def shard_paths(folder: Path, name: str) -> list[Path]:
    """The shards of a table in their order."""
    return sorted(folder.glob(f"{name}-?????.parquet"))
