"""Records in columns: every field begins with the batch dimension, so that rows can be gathered and overwritten."""

from collections.abc import Callable, Mapping
from dataclasses import fields
from typing import Any, Self, cast

import numpy as np
import torch
from torch import Tensor


class Rows:
    """Mix-in for frozen dataclasses whose fields are columns of N rows.

    A column is a torch tensor, a numpy array (of objects too, for text), a `Rows` record, or a mapping of these. Other
    fields, None included, belong to the record and stay as they are.

    Example:
        >>> from dataclasses import dataclass
        >>> @dataclass(frozen=True)
        ... class Points(Rows):
        ...     x: Tensor
        >>> Points(torch.tensor([1, 2, 3])).take(torch.tensor([2, 0])).x
        tensor([3, 1])
    """

    @property
    def column_names(self) -> tuple[str, ...]:
        """The names of the dataclass's fields."""
        return tuple(item.name for item in fields(cast(Any, self)))

    def take(self, index: Tensor | slice) -> Self:
        """The rows at `index` [R] int64, in that order, or those of a slice."""
        return self._zip(self, lambda column, _: _take(column, index))

    def put(self, index: Tensor, rows: Self) -> Self:
        """A copy in which the rows at `index` [R] int64 are `rows`."""
        return self._zip(rows, lambda column, new: _put(column, index, new))

    def append(self, rows: Self) -> Self:
        """These rows and after them `rows`."""
        return self._zip(rows, _append)

    def to(self, device: torch.device | str) -> Self:
        """The record with its tensors on a device."""
        return self._zip(self, lambda column, _: column.to(device) if torch.is_tensor(column) else column)

    def blank(self) -> Self:
        """One row of zeros in the shape of these."""
        return self._zip(
            self,
            lambda column, _: torch.zeros_like(column[:1]) if torch.is_tensor(column) else np.zeros_like(column[:1]),
        )

    def state_dict(self) -> dict[str, Any]:
        """The columns as tensors, lists and plain dicts, for a checkpoint that holds nothing else."""
        return {name: _saved(getattr(self, name)) for name in self.column_names}

    def restored(self, state: Mapping[str, Any]) -> Self:
        """A record like this one with the columns of a `state_dict`, on the devices of the columns here, whatever the
        device they were saved on; what is no column stays as it is here."""
        columns = {name: getattr(self, name) for name in self.column_names}
        return _made(type(self), {name: _restored(column, state[name]) for name, column in columns.items()})

    def _zip(self, other: Self, combine: Callable[[Any, Any], Any]) -> Self:
        columns = {name: (getattr(self, name), getattr(other, name)) for name in self.column_names}
        return _made(type(self), {name: _combined(mine, theirs, combine) for name, (mine, theirs) in columns.items()})


def _made(kind: type, columns: Mapping[str, Any]) -> Any:
    """A record without the checks of its constructor, which were made when its rows were."""
    made = object.__new__(kind)
    for name, value in columns.items():
        object.__setattr__(made, name, value)
    return made


def _combined(mine: Any, theirs: Any, combine: Callable[[Any, Any], Any]) -> Any:
    match mine:
        case Tensor() | np.ndarray():
            return combine(mine, theirs)
        case Rows():
            return mine._zip(theirs, combine)
        case Mapping():
            return {name: _combined(value, theirs[name], combine) for name, value in mine.items()}
        case _:
            return mine


def _take(column: Any, index: Tensor | slice) -> Any:
    return column[index] if torch.is_tensor(column) or isinstance(index, slice) else column[index.cpu().numpy()]


def _put(column: Any, index: Tensor, new: Any) -> Any:
    if torch.is_tensor(column):
        return column.index_copy(0, index, new.to(column.dtype))
    changed = column.copy()
    changed[index.cpu().numpy()] = new
    return changed


def _append(column: Any, more: Any) -> Any:
    return torch.cat([column, more]) if torch.is_tensor(column) else np.concatenate([column, more])


def _saved(column: Any) -> Any:
    match column:
        case np.ndarray():
            return column.tolist()
        case Rows():
            return column.state_dict()
        case Mapping():
            return {name: _saved(value) for name, value in column.items()}
        case Tensor():
            return column
        case _:
            return None


def _restored(column: Any, saved: Any) -> Any:
    match column:
        case np.ndarray():
            found = np.empty(len(saved), column.dtype) if column.dtype == object else np.asarray(saved, column.dtype)
            if column.dtype == object:
                found[:] = saved
            return found
        case Rows():
            return column.restored(saved)
        case Mapping():
            return {name: _restored(value, saved[name]) for name, value in column.items()}
        case Tensor():
            return saved.to(column.device)
        case _:
            return column
