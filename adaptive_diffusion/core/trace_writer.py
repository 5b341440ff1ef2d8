"""Streams a trace to disk, in complete shards."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from adaptive_diffusion.core.events import EVENT_NAMES, Event
from adaptive_diffusion.core.trace import COLUMNS, HEADER_KEY, SHARDS_KEY, VERSION, VERSION_KEY, schema, shard_paths
from adaptive_diffusion.core.trace_header import TraceHeader

_MERGED = 16  # batches: few enough to hold up no memory, many enough that copying them costs nothing


class TraceWriter:
    """Streams a trace into `folder`, at most `shard_rows` rows of each table in memory; a context manager.

    A trace that lies in `folder` already is replaced. If the body raises, the shards written so far stay, but without
    their closing shards, and `read_trace` refuses them.

    Every array of a call has one entry per row of the table; NaN in a nullable column means "not known".
    Steps count from 1: step 1 is what the first forward led to.
    """

    def __init__(self, folder: Path | str, header: TraceHeader | None = None, shard_rows: int = 1_000_000):
        if shard_rows < 1:
            raise ValueError(f"shard_rows is {shard_rows}; a shard holds at least 1 row")
        self.folder, self.header = Path(folder), header or TraceHeader()
        self.folder.mkdir(parents=True, exist_ok=True)
        for name in COLUMNS:
            for path in [*shard_paths(self.folder, name), *self.folder.glob(f".{name}-*.partial")]:
                path.unlink()
        self._tables = {name: _Shards(self.folder, name, schema(name, self.header), shard_rows) for name in COLUMNS}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        if kind is None:
            self.close()

    def close(self) -> None:
        """Writes what is left and closes each table. The trace can be read from here on."""
        for name, table in self._tables.items():
            table.close({HEADER_KEY: self.header.to_json().encode()} if name == "rows" else {})

    def append_events(
        self,
        *,
        query: np.ndarray,
        variation: np.ndarray,
        step: np.ndarray,
        position: np.ndarray,
        token: np.ndarray,
        event: np.ndarray,
        confidence: np.ndarray,
    ) -> None:
        """Adds events: `event` holds `Event` values, `token` the new token (of a remask: the one taken back)."""
        _check_steps(step)
        columns = (query, variation, step, position, token, _event_array(event), confidence)
        self._tables["events"].append(columns, len(query))

    def append_steps(
        self,
        *,
        query: np.ndarray,
        variation: np.ndarray,
        step: np.ndarray,
        open: np.ndarray,  # noqa: A002 (the column's name)
        halt_probability: np.ndarray | None = None,
        correct: np.ndarray | None = None,
        seen: Mapping[str, np.ndarray] | None = None,
    ) -> None:
        """Adds steps: `open` positions are left after the step; `halt_probability` only where halting has one;
        `correct`, whether the tokens that stand are a correct answer; `seen` by the names of the header."""
        _check_steps(step)
        extra = self._extra("steps", {f"halting.{name}": column for name, column in (seen or {}).items()})
        fixed = (query, variation, step, open, halt_probability, correct)
        self._tables["steps"].append((*fixed, *extra), len(query))

    def append_rows(
        self,
        *,
        query: np.ndarray,
        variation: np.ndarray,
        length: np.ndarray,
        nfe: np.ndarray,
        token_forwards: np.ndarray,
        halt_reason: Sequence[str],
        halt_sentence: Sequence[str],
        revisions: np.ndarray,
        rewrites: np.ndarray,
        answer: np.ndarray,
        start: np.ndarray,
        target: np.ndarray | None = None,
        correct: np.ndarray | None = None,
        exact: np.ndarray | None = None,
        valid: np.ndarray | None = None,
        score: np.ndarray | None = None,
        difficulty: Mapping[str, np.ndarray] | None = None,
        columns: Mapping[str, np.ndarray] | None = None,
    ) -> None:
        """Adds finished rows. `answer`, `start`, `target` are [R, L], of which the first `length` entries are written;
        `start` and `answer` hold `OPEN` where no token stands. `difficulty` and `columns` by the names of the header.
        """
        lists = [None if tokens is None else _token_lists(tokens, length) for tokens in (answer, start, target)]
        further = {f"difficulty.{name}": column for name, column in (difficulty or {}).items()}
        further |= {f"column.{name}": column for name, column in (columns or {}).items()}
        self._tables["rows"].append(
            (
                *(query, variation, length, nfe, token_forwards, list(halt_reason), list(halt_sentence)),
                *(revisions, rewrites, correct, exact, valid, score, *lists, *self._extra("rows", further)),
            ),
            len(query),
        )

    def _extra(self, table: str, columns: Mapping[str, np.ndarray]) -> list[np.ndarray | None]:
        """The further columns of a table in the order of the header."""
        names = self.header.extra(table)
        if unknown := sorted(columns.keys() - set(names)):
            raise ValueError(
                f"the header of this trace does not have {unknown[0]}; it has {', '.join(names) or 'none'}"
            )
        return [columns.get(name) for name in names]


class _Shards:
    """One table of a trace on its way to disk: buffered batches, written `shard_rows` at a time."""

    def __init__(self, folder: Path, name: str, columns: pa.Schema, shard_rows: int):
        self.folder, self.name, self.schema, self.shard_rows = folder, name, columns, shard_rows
        self.batches: list[pa.RecordBatch] = []
        self.fresh: list[pa.RecordBatch] = []
        self.buffered = self.written = 0

    def append(self, columns: Sequence[np.ndarray | pa.Array | list | None], count: int) -> None:
        arrays = [_array(column, field, count, self.name) for column, field in zip(columns, self.schema, strict=True)]
        self.fresh.append(pa.RecordBatch.from_arrays(arrays, schema=self.schema))
        self.buffered += count
        if len(self.fresh) == _MERGED:
            self._merge()
        if self.buffered > self.shard_rows:
            self._merge()
            table = pa.Table.from_batches(self.batches)
            full = (self.buffered - 1) // self.shard_rows * self.shard_rows
            for start in range(0, full, self.shard_rows):
                self._write(table.slice(start, self.shard_rows), {})
            self.batches = table.slice(full).combine_chunks().to_batches()
            self.buffered -= full

    def _merge(self) -> None:
        """Copies fresh batches into one. They lie in their callers' arrays, each between the large tensors of its step,
        so that memory freed around it could not be used again."""
        self.batches += pa.Table.from_batches(self.fresh, schema=self.schema).combine_chunks().to_batches()
        self.fresh = []

    def close(self, metadata: Mapping[bytes, bytes]) -> None:
        self._merge()
        table = pa.Table.from_batches(self.batches, schema=self.schema)
        self._write(table, {SHARDS_KEY: str(self.written + 1).encode(), **metadata})
        self.batches, self.buffered = [], 0

    def _write(self, table: pa.Table, metadata: dict[bytes, bytes]) -> None:
        path = self.folder / f"{self.name}-{self.written:05d}.parquet"
        partial = path.with_name(f".{path.stem}.partial")
        pq.write_table(
            table.replace_schema_metadata({VERSION_KEY: VERSION.encode(), **metadata}), partial, compression="zstd"
        )
        os.replace(partial, path)
        self.written += 1


def _array(column: np.ndarray | pa.Array | list | None, field: pa.Field, count: int, table: str) -> pa.Array:
    if column is None:
        if not field.nullable:
            raise ValueError(f"{table}.{field.name} is missing: only nullable columns may be None")
        return pa.nulls(count, field.type)
    if isinstance(column, np.ndarray):
        mask = np.isnan(column) if field.nullable and column.dtype.kind == "f" else None
        values = column == 1 if pa.types.is_boolean(field.type) else column
        array = pa.array(np.ascontiguousarray(values), mask=mask).cast(field.type)
    else:
        array = pa.array(column, field.type)
    if len(array) != count:
        raise ValueError(f"{table}.{field.name} has {len(array)} entries, {table}.query has {count}")
    return array


def _event_array(event: np.ndarray) -> pa.Array:
    codes = np.asarray(event)
    unknown = np.setdiff1d(codes, list(Event))
    if len(unknown):
        raise ValueError(f"events are 0 (commit), 1 (remask) or 2 (replace), found {unknown.tolist()}")
    return pa.DictionaryArray.from_arrays(pa.array(codes.astype(np.int8)), pa.array(EVENT_NAMES))


def _check_steps(step: np.ndarray) -> None:
    if len(step) and np.min(step) < 1:
        raise ValueError(f"steps of a trace count from 1, found {np.min(step)}")


def _token_lists(tokens: np.ndarray, length: np.ndarray) -> pa.Array:
    tokens, length = np.asarray(tokens), np.asarray(length)
    if len(length) and length.max() > tokens.shape[1]:
        raise ValueError(f"length goes up to {length.max()}, but the tokens are only {tokens.shape[1]} long")
    values = tokens[np.arange(tokens.shape[1]) < length[:, None]].astype(np.int32)
    offsets = np.concatenate([[0], np.cumsum(length)]).astype(np.int32)
    return pa.ListArray.from_arrays(pa.array(offsets), pa.array(values))
