"""Streams a trace to disk, in whole shards."""

import os
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from adaptive_diffusion.core.events import EVENT_NAMES, Event
from adaptive_diffusion.core.trace import SCHEMAS, SHARDS_KEY, VERSION, VERSION_KEY, shard_paths

_MERGED = 16  # batches: few enough to hold up no memory, many enough that copying them costs nothing


class TraceWriter:
    """Streams a trace into `folder`, at most `shard_rows` rows of each table in memory; a context manager.

    A trace that lies in `folder` already is replaced. If the body raises, the shards written so far stay, but without
    their closing shards, and `read_trace` refuses them.

    Every array of a call has one entry per row of the table; NaN in a nullable float column means "not known".
    Steps count from 1: step 1 is what the first forward led to.
    """

    def __init__(self, folder: Path | str, shard_rows: int = 1_000_000):
        if shard_rows < 1:
            raise ValueError(f"shard_rows is {shard_rows}; a shard holds at least 1 row")
        self.folder = Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        for name in SCHEMAS:
            for path in [*shard_paths(self.folder, name), *self.folder.glob(f".{name}-*.partial")]:
                path.unlink()
        self._tables = {name: _Shards(self.folder, name, shard_rows) for name in SCHEMAS}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        if kind is None:
            self.close()

    def close(self) -> None:
        """Writes what is left and closes each table. The trace can be read from here on."""
        for table in self._tables.values():
            table.close()

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
        """Adds events: `event` holds `Event` values, `token` the new token (for a revoke: the one taken back)."""
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
    ) -> None:
        """Adds steps: `open` positions are left after the step; `halt_probability` only where halting has one."""
        _check_steps(step)
        self._tables["steps"].append((query, variation, step, open, halt_probability), len(query))

    def append_rows(
        self,
        *,
        query: np.ndarray,
        variation: np.ndarray,
        length: np.ndarray,
        nfe: np.ndarray,
        tokens_forwarded: np.ndarray,
        halt_reason: Sequence[str],
        revisions: np.ndarray,
        answer: np.ndarray,
        start: np.ndarray,
        target: np.ndarray | None = None,
        exact: np.ndarray | None = None,
        valid: np.ndarray | None = None,
        difficulty: np.ndarray | None = None,
        clues: np.ndarray | None = None,
    ) -> None:
        """Adds finished rows. `answer`, `start`, `target` are [R, L], of which the first `length` entries are kept;
        `start` and `answer` hold `OPEN` where no token stands."""
        lists = [None if tokens is None else _token_lists(tokens, length) for tokens in (answer, start, target)]
        self._tables["rows"].append(
            (
                *(query, variation, length, nfe, tokens_forwarded, list(halt_reason), revisions),
                *(exact, valid, difficulty, clues, *lists),
            ),
            len(query),
        )


class _Shards:
    """One table of a trace on its way to disk: buffered batches, written `shard_rows` at a time."""

    def __init__(self, folder: Path, name: str, shard_rows: int):
        self.folder, self.name, self.shard_rows = folder, name, shard_rows
        self.schema = SCHEMAS[name]
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
            whole = (self.buffered - 1) // self.shard_rows * self.shard_rows
            for start in range(0, whole, self.shard_rows):
                self._write(table.slice(start, self.shard_rows), {})
            self.batches = table.slice(whole).combine_chunks().to_batches()
            self.buffered -= whole

    def _merge(self) -> None:
        """Copies fresh batches into one. They lie in their callers' arrays, each between the large tensors of its step,
        where it would keep what is freed around it from being used again."""
        self.batches += pa.Table.from_batches(self.fresh, schema=self.schema).combine_chunks().to_batches()
        self.fresh = []

    def close(self) -> None:
        self._merge()
        table = pa.Table.from_batches(self.batches, schema=self.schema)
        self._write(table, {SHARDS_KEY: str(self.written + 1).encode()})
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
        array = pa.array(np.ascontiguousarray(column), mask=mask).cast(field.type)
    else:
        array = pa.array(column, field.type)
    if len(array) != count:
        raise ValueError(f"{table}.{field.name} has {len(array)} entries, {table}.query has {count}")
    return array


def _event_array(event: np.ndarray) -> pa.Array:
    codes = np.asarray(event)
    unknown = np.setdiff1d(codes, list(Event))
    if len(unknown):
        raise ValueError(f"events are 0 (commit), 1 (revoke) or 2 (edit), found {unknown.tolist()}")
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
