"""Who got how many steps: rows grouped by any column."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from adaptive_diffusion.evaluation.intervals import Interval, bootstrap, mean

_FEW = 8


@dataclass(frozen=True)
class Group:
    """Rows with a like value: how many there are, their mean NFE and share of exact answers (None if not known)."""

    label: str
    queries: int
    nfe: Interval
    exact: Interval | None


def allocation(rows: pa.Table, by: str, edges: Sequence[float] | None = None) -> list[Group]:
    """Groups the rows of a trace by the column `by`: at `edges`, else by value, else (many numbers) into four parts.

    `edges` are the lower ends of the groups, ascending. Rows without a value are left out.
    Raises `ValueError` for a column that the rows do not have.
    """
    if by not in rows.column_names:
        raise ValueError(f"rows have no column {by!r}; they have {', '.join(rows.column_names)}")
    rows = rows.filter(rows[by].is_valid())
    values = rows[by].to_numpy()
    if edges is not None or (len(np.unique(values)) > _FEW and values.dtype.kind in "if"):
        edges, names = buckets(values, edges)
        number = np.maximum(np.searchsorted(edges, values, side="right") - 1, 0)
    else:
        labels, number = np.unique(values, return_inverse=True)
        names = [_text(label) for label in labels]
    return [_group(name, rows.filter(pa.array(number == i))) for i, name in enumerate(names) if (number == i).any()]


def buckets(values: np.ndarray, edges: Sequence[float] | None = None) -> tuple[Sequence[float], list[str]]:
    """Where groups of numbers begin and what they are called: at `edges`, else four parts of like size, fewer where
    values are many times the same."""
    if edges is None:
        quarters: list[float] = np.unique(np.quantile(values, [0, 0.25, 0.5, 0.75], method="inverted_cdf")).tolist()
        edges = quarters
    return edges, bucket_labels(edges, integers=bool(np.all(values == np.round(values))))


def bucket_labels(edges: Sequence[float], integers: bool = True) -> list[str]:
    """What to call the groups that begin at `edges`: `0`, `1–2`, `3–6`, `7+`."""
    labels = []
    for low, high in zip(edges, [*edges[1:], None], strict=True):
        if high is None:
            labels.append(f"{_text(low)}+")
        elif integers and high - low == 1:
            labels.append(_text(low))
        else:
            last, to = (high - 1, "–" if low >= 0 else " to ") if integers else (high, " to ")
            labels.append(f"{_text(low)}{to}{_text(last)}")
    return labels


def _text(value: object) -> str:
    return f"{value:g}" if isinstance(value, int | float | np.number) else str(value)


def _group(label: str, rows: pa.Table) -> Group:
    exact = None if rows["exact"].null_count else bootstrap(mean, rows["exact"].to_numpy())
    return Group(label, rows.num_rows, bootstrap(mean, rows["nfe"].to_numpy()), exact)
