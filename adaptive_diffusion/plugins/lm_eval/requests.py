"""Requests of lm-eval as rows of tokens: their numbers, their groups, and what they cost."""

import warnings
from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any, TypeVar

import numpy as np
import torch

from adaptive_diffusion.core.query import Queries

BUCKET = 32
"""Rows are padded to multiples of this, each by its own length alone, so that no answer depends on its neighbours."""
T = TypeVar("T")


@dataclass(frozen=True)
class Row:
    """One sequence of a request.

    Attributes:
        request: the request's place in the list.
        number: the query id. It keys the random draws, and comes from task, document and index alone.
        before, written, after: tokens of the context, of the part to be written or scored, and of what follows it.
    """

    request: int
    number: int
    before: list[int]
    written: list[int]
    after: list[int] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.before) + len(self.written) + len(self.after)

    def too_long(self, limit: int) -> str:
        """Why a row does not fit into `limit` positions."""
        return (
            f"{len(self.before)} tokens of context, {len(self.written)} of the answer and {len(self.after)} after it "
            f"are more than the model's {limit} positions"
        )


def keys(requests: Iterable[Any]) -> list[str]:
    """Task, document and index of each request."""
    return [f"{request.task_name}/{request.doc_id}/{request.idx}" for request in requests]


def repeats(names: Iterable[str]) -> list[int]:
    """How many requests of the same key come before each (`repeats` of a task)."""
    seen: Counter[str] = Counter()
    found = []
    for name in names:
        found.append(seen[name])
        seen[name] += 1
    return found


def number(name: str, repeat: int = 0, part: int = 0) -> int:
    """A query id: 63 bits of a hash of the key, the repeat and the part of a text."""
    return int.from_bytes(blake2b(f"{name}/{repeat}/{part}".encode(), digest_size=8).digest()) >> 1


def width(length: int, exact: bool, limit: int | None) -> int:
    """Columns for a row of `length` tokens: a multiple of `BUCKET` where padding changes nothing, but no more than
    `limit`; `exact` for no padding."""
    if exact:
        return length
    padded = max(BUCKET, -(-length // BUCKET) * BUCKET)
    return padded if limit is None else max(length, min(padded, limit))


def alike(items: Sequence[T], key: Callable[[T], Hashable]) -> Iterator[list[T]]:
    """Items of equal keys together, in the order of their first."""
    groups: dict[Hashable, list[T]] = {}
    for item in items:
        groups.setdefault(key(item), []).append(item)
    yield from groups.values()


def queries(rows: Sequence[Row], columns: int, filler: int, device: str) -> Queries:
    """Rows padded on the left; what is to be written or scored is editable."""
    tokens = torch.full((len(rows), columns), filler)
    editable = torch.zeros_like(tokens, dtype=torch.bool)
    for place, row in enumerate(rows):
        tokens[place, columns - len(row) :] = torch.tensor([*row.before, *row.written, *row.after])
        last = columns - len(row.after)
        editable[place, last - len(row.written) : last] = True
    numbers = torch.tensor([row.number for row in rows])
    return Queries(numbers.to(device), tokens.to(device), editable.to(device))


@dataclass
class Costs:
    """What requests cost, and which ended in a fault; for the results file.

    Attributes:
        forwards: NFE by request.
        faults: reasons by request.
    """

    forwards: dict[str, int] = field(default_factory=dict)
    faults: dict[str, str] = field(default_factory=dict)

    def spend(self, name: str, forwards: int) -> None:
        """Adds the forwards of one row."""
        self.forwards[name] = self.forwards.get(name, 0) + forwards

    def warn(self, faults: Mapping[int, str], names: Sequence[str]) -> None:
        """Records the faults of one call, by the place of the request in it, and warns of them."""
        self.faults |= {names[place]: why for place, why in faults.items()}
        if faults:
            place, why = min(faults.items())
            warnings.warn(
                f"{len(faults)} of {len(names)} requests ended in a fault, the first, {names[place]}: {why}. Each "
                "counts as an empty answer, or as a log-likelihood of −∞",
                stacklevel=4,
            )

    def summary(self) -> dict[str, Any]:
        """NFE of all requests so far; null where every answer came from a cache."""
        each = np.array(list(self.forwards.values()), dtype=float)
        mean, p95, most = (each.mean(), np.quantile(each, 0.95), each.max()) if len(each) else (None, None, None)
        return {
            "nfe_mean": None if mean is None else float(mean),
            "nfe_p95": None if p95 is None else float(p95),
            "nfe_max": None if most is None else int(most),
            "nfe_by_request": dict(self.forwards),
            "faults": dict(self.faults),
        }
