"""Checks of a trace that was read: numbers that no sampler writes, which would lead readers out of their arrays."""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa

RAGGED = 64
"""Cells of the table of queries and variations for each row of a trace, at most."""


def damage(events: pa.Table, steps: pa.Table, rows: pa.Table, names: Sequence[str]) -> str | None:
    """The first contradiction of a trace's tables, as half a sentence; None for a sound trace. Positions are checked
    when the trace is replayed (`evaluation.replay`)."""
    for name, table in {"events": events, "steps": steps, "rows": rows}.items():
        if any(_numbers(table, key).min(initial=0) < 0 for key in ("query", "variation")):
            return f"{name} are numbered below 0"
    variations = 1 + int(_numbers(rows, "variation").max(initial=0))
    if variations * len(np.unique(_numbers(rows, "query"))) > RAGGED * rows.num_rows:
        return "rows have more variations than there are rows"
    for name in ("answer", "start", "target"):
        lists = rows[name].combine_chunks()
        known = lists.is_valid().to_numpy(zero_copy_only=False)
        lengths = lists.value_lengths().to_numpy(zero_copy_only=False)
        if (lengths[known] != _numbers(rows, "length")[known]).any():
            return f"{name} does not have the length of its row"
        if lists.flatten().null_count:
            return f"{name} has gaps"
    if any(_numbers(table, "step").min(initial=1) < 1 for table in (events, steps)):
        return "steps count from 1"
    last = _numbers(steps, "step").max(initial=0)
    if max(last, _numbers(events, "step").max(initial=0)) > min(last, steps.num_rows):
        return "events refer to steps that are missing from its steps"
    found = {str(name) for chunk in events["event"].chunks for name in chunk.dictionary.to_pylist()}
    unknown = sorted(found - set(names))
    return f"there is no event called {unknown[0]!r}" if unknown else None


def _numbers(table: pa.Table, column: str) -> np.ndarray:
    return table[column].to_numpy()
