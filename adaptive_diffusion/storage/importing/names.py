"""A small table that maps the names of weights."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from adaptive_diffusion.config.resolution import read_yaml

Value = TypeVar("Value")


@dataclass(frozen=True)
class Names:
    """Old beginnings of names and the new ones. Of the entries that fit a name the longest counts.

    A `*` stands for one part between dots and is carried over: `layers.*.fc1: layer.*.intermediate` turns
    `layers.3.fc1.weight` into `layer.3.intermediate.weight`. An entry fits at dots only. Null drops what begins so.

    Raises:
        ValueError: an entry that is no pair of texts, or with more `*` on its right than on its left.
    """

    table: Mapping[str, str | None]

    def __post_init__(self) -> None:
        for old, new in self.table.items():
            if not isinstance(old, str) or not isinstance(new, str | None):
                raise ValueError(f"{old!r}: {new!r} must map a beginning of names to another one, or to null")
            if new is not None and new.count("*") > old.count("*"):
                raise ValueError(f"{old}: {new} has more * on its right than on its left")

    @classmethod
    def read(cls, path: Path) -> "Names":
        """The table of a YAML file.

        Raises:
            ValueError: a file that holds no table.
        """
        found: Any = read_yaml(path)
        if not isinstance(found, dict):
            raise ValueError(f"{path} holds no table; write lines such as  encoder.layers.*: encoder.layer.*")
        return cls(found)

    def __call__(self, name: str) -> str | None:
        """The new name; None for one that is dropped."""
        parts = name.split(".")
        for old in sorted(self.table, key=lambda old: (-old.count("."), old.count("*"))):
            pattern = old.split(".")
            if len(pattern) <= len(parts) and all(p in ("*", q) for p, q in zip(pattern, parts, strict=False)):
                new = self.table[old]
                if new is None:
                    return None
                carried = iter([q for p, q in zip(pattern, parts, strict=False) if p == "*"])
                begin = [next(carried) if part == "*" else part for part in new.split(".")] if new else []
                return ".".join([*begin, *parts[len(pattern) :]])
        return name

    def rename(self, weights: Mapping[str, Value]) -> tuple[dict[str, Value], list[str]]:
        """The weights under their new names, and the old names of those that are dropped.

        Raises:
            ValueError: two weights that get one name.
        """
        renamed: dict[str, Value] = {}
        dropped = []
        for old, value in weights.items():
            new = self(old)
            if new is None:
                dropped.append(old)
            elif new in renamed:
                raise ValueError(f"the table of names gives two weights the name {new!r}; {old!r} is the second")
            else:
                renamed[new] = value
        return renamed, dropped
