"""What a sampler did, written down: the versioned trace schema and its reader (`trace_writer.py` has the writer).

A trace is a folder of three tables, each a sequence of Parquet shards (`events-00000.parquet`, …):

* `events`, a row per token that was committed, revoked or edited;
* `steps`, a row per step of a query;
* `rows`, a row per query and variation: what it cost, why it halted, what it answered.

Every shard is a whole file (written beside its place, then renamed), and the closing shard of each table carries the
number of shards, so a trace whose writer was killed is told from a finished one. `docs/traces.md` has every column.
"""

from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from adaptive_diffusion.core.events import EVENT_NAMES
from adaptive_diffusion.core.trace_validation import damage

VERSION = "1"
VERSION_KEY = b"adaptive_diffusion_trace"
SHARDS_KEY = b"adaptive_diffusion_trace_shards"


_NULLABLE = {"halt_probability", "exact", "valid", "difficulty", "clues", "target"}
_INT, _FLOAT, _BOOL, _TOKENS = pa.int32(), pa.float32(), pa.bool_(), pa.list_(pa.int32())


def _schema(**columns: pa.DataType) -> pa.Schema:
    keyed = {"query": pa.int64(), "variation": _INT, **columns}
    return pa.schema([pa.field(name, kind, nullable=name in _NULLABLE) for name, kind in keyed.items()])


SCHEMAS = {
    "events": _schema(
        step=_INT, position=_INT, token=_INT, event=pa.dictionary(pa.int8(), pa.string()), confidence=_FLOAT
    ),
    "steps": _schema(step=_INT, open=_INT, halt_probability=_FLOAT),
    "rows": _schema(
        length=_INT,
        nfe=_INT,
        tokens_forwarded=pa.int64(),
        halt_reason=pa.string(),
        revisions=_INT,
        exact=_BOOL,
        valid=_BOOL,
        difficulty=_FLOAT,
        clues=_INT,
        answer=_TOKENS,
        start=_TOKENS,
        target=_TOKENS,
    ),
}


@dataclass(frozen=True)
class Trace:
    """A whole trace in memory, as three pyarrow tables; `docs/traces.md` names their columns and units."""

    events: pa.Table
    steps: pa.Table
    rows: pa.Table


def read_trace(folder: Path | str) -> Trace:
    """Reads a finished trace.

    Raises `ValueError` when the folder holds no trace, an unfinished one, one of another version or with other
    columns, or when a file is truncated or is not Parquet.
    """
    folder = Path(folder)
    trace = Trace(**{name: _read_table(folder, name) for name in SCHEMAS})
    if wrong := damage(trace.events, trace.steps, trace.rows, EVENT_NAMES):
        raise ValueError(f"the trace in {folder} is damaged: {wrong}; record it again")
    return trace


def _read_table(folder: Path, name: str) -> pa.Table:
    paths = shard_paths(folder, name)
    if not paths:
        raise ValueError(f"{folder} holds no trace: it has no {name}-*.parquet")
    shards = [_read_shard(path, name) for path in paths]
    told = (shards[-1].schema.metadata or {}).get(SHARDS_KEY)
    if told is None or not told.isdigit():
        raise ValueError(f"the trace in {folder} is unfinished: its {name} have no closing shard; record it again")
    if int(told) != len(shards):
        raise ValueError(f"the trace in {folder} has {len(shards)} of its {int(told)} {name} shards; record it again")
    return pa.concat_tables(shard.replace_schema_metadata() for shard in shards)


def _read_shard(path: Path, name: str) -> pa.Table:
    try:
        with pq.ParquetFile(path) as file:
            table = file.read()
    except (pa.ArrowException, OSError) as error:
        raise ValueError(f"{path} cannot be read: it is truncated or not Parquet ({error}); record it again") from error
    version = (table.schema.metadata or {}).get(VERSION_KEY)
    if version is None:
        raise ValueError(f"{path} is no trace: it lacks the {VERSION_KEY.decode()} version")
    if version != VERSION.encode():
        raise ValueError(
            f"{path} is a trace of version {version.decode(errors='backslashreplace')}, this program reads {VERSION}; "
            "record it again"
        )
    if not table.schema.equals(SCHEMAS[name]):
        raise ValueError(f"{path} does not have the columns of {name}: {table.schema.names}")
    if gaps := [field.name for field in SCHEMAS[name] if not field.nullable and table[field.name].null_count]:
        raise ValueError(f"{path} has gaps in {gaps[0]}; record it again")
    return table


def shard_paths(folder: Path, name: str) -> list[Path]:
    return sorted(folder.glob(f"{name}-?????.parquet"))
