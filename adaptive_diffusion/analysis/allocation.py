"""Which queries got how many steps: rows grouped by any column."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from adaptive_diffusion.core.trace_header import TraceHeader
from adaptive_diffusion.evaluation.intervals import Interval, bootstrap, mean

_FEW = 8


@dataclass(frozen=True)
class GroupingColumn:
    """A column of a trace's rows, and how rows are grouped by it.

    Attributes:
        name: in the table of rows.
        title: for axes and tables.
        edges: the first value of each group; None groups by value, many numbers by quarters.
        decimals: of the numbers in the names of groups; None shows as many as a number has.
    """

    name: str
    title: str
    edges: Sequence[float] | None = None
    decimals: int | None = None


def grouping_column(rows: pa.Table, header: TraceHeader, name: str) -> GroupingColumn:
    """The column a user names: a difficulty or a further figure of the task by its name, or any other of the rows.

    Raises:
        ValueError: a name that no column has.
    """
    for measure in header.difficulties:
        if name in (measure.name, f"difficulty.{measure.name}"):
            return GroupingColumn(f"difficulty.{measure.name}", measure.title, measure.edges, measure.decimals)
    for column in header.columns:
        if name in (column.name, f"column.{column.name}"):
            return GroupingColumn(f"column.{column.name}", column.title, None, column.decimals + 2 * column.percent)
    if name not in rows.column_names:
        names = [known.partition(".")[2] or known for known in rows.column_names]
        raise ValueError(f"rows have no column {name!r}; they have {', '.join(names)}")
    return GroupingColumn(name, name.replace("_", " "))


@dataclass(frozen=True)
class Group:
    """Rows with a like value: how many there are, their mean NFE and mean quality (None if not known)."""

    label: str
    queries: int
    nfe: Interval
    quality: Interval | None


def allocation(rows: pa.Table, by: GroupingColumn) -> list[Group]:
    """Groups the rows of a trace: at the column's edges, else by value, else (many numbers) into four parts.

    `rows` have a column `quality`. Rows without a value are left out.
    """
    rows = rows.filter(rows[by.name].is_valid())
    values = rows[by.name].to_numpy()
    if by.edges is not None or (len(np.unique(values)) > _FEW and values.dtype.kind in "if"):
        edges, names = buckets(values, by)
        number = np.maximum(np.searchsorted(edges, values, side="right") - 1, 0)
    else:
        labels, number = np.unique(values, return_inverse=True)
        names = [_text(label, by.decimals) for label in labels]
    return [_group(name, rows.filter(pa.array(number == i))) for i, name in enumerate(names) if (number == i).any()]


def buckets(values: np.ndarray, by: GroupingColumn) -> tuple[Sequence[float], list[str]]:
    """Where groups of numbers begin and what they are called: at the edges, else four parts of like size, fewer where
    values are many times the same."""
    edges = by.edges
    if edges is None:
        quarters: list[float] = np.unique(np.quantile(values, [0, 0.25, 0.5, 0.75], method="inverted_cdf")).tolist()
        edges = quarters
    return edges, bucket_labels(edges, integers=bool(np.all(values == np.round(values))), decimals=by.decimals)


def bucket_labels(edges: Sequence[float], integers: bool = True, decimals: int | None = None) -> list[str]:
    """What to call the groups that begin at `edges`: `0`, `1–2`, `3–6`, `7+`."""
    labels = []
    for low, high in zip(edges, [*edges[1:], None], strict=True):
        if high is None:
            labels.append(f"{_text(low, decimals)}+")
        elif integers and high - low == 1:
            labels.append(_text(low, decimals))
        else:
            last, to = (high - 1, "–" if low >= 0 else " to ") if integers else (high, " to ")
            labels.append(f"{_text(low, decimals)}{to}{_text(last, decimals)}")
    return labels


def _text(value: object, decimals: int | None = None) -> str:
    if not isinstance(value, int | float | np.number):
        return str(value)
    number = float(value)
    return f"{number:g}" if decimals is None or number == round(number) else f"{number:.{decimals}f}"


def _group(label: str, rows: pa.Table) -> Group:
    quality = None if rows["quality"].null_count else bootstrap(mean, rows["quality"].to_numpy())
    return Group(label, rows.num_rows, bootstrap(mean, rows["nfe"].to_numpy()), quality)
