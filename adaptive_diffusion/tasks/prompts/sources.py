"""Where prompts come from: rows of a file, of a Hugging Face data set, of a generator of reasoning-gym."""

import csv
import json
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import chain
from math import isfinite, nan
from numbers import Real
from pathlib import Path
from typing import Any, TypeGuard

from adaptive_diffusion.tasks.hugging_face import hugging_face_rows
from adaptive_diffusion.tasks.lines import BadLines, numbered_lines
from adaptive_diffusion.tasks.prompts.checkers import reasoning_gym

LONGEST_LINE = 1 << 20
DELIMITERS = ",;\t"
NAMES = ("prompt", "answer")
NOT_UTF8 = "\N{REPLACEMENT CHARACTER}"
"""What bytes are read as that are not UTF-8."""


@dataclass(frozen=True)
class Columns:
    """Which columns hold what.

    Attributes:
        prompt: name of the column of prompts.
        answer: name of the column of answers.
        difficulty: names of columns of numbers.
    """

    prompt: str = "prompt"
    answer: str = "answer"
    difficulty: tuple[str, ...] = ()

    def row(self, found: Mapping[str, Any], needs_answer: bool) -> dict[str, Any]:
        """A row whose prompt and answer are texts under `prompt` and `answer`; without an answer this is None.

        Raises:
            ValueError: a column that is missing, or holds nothing or what is no text or number; the message names it.
        """
        row = dict(found)
        row["prompt"] = _text(found, "prompt", self.prompt)
        row["answer"] = _text(found, "answer", self.answer) if needs_answer or _there(found, self.answer) else None
        for name in self.difficulty:
            row[name] = _number(found, name) if needs_answer or _there(found, name) else None
        return row


class PromptSource(ABC):
    """Rows of prompts, in an order that does not change."""

    @abstractmethod
    def rows(self) -> Iterator[tuple[str, Mapping[str, Any]]]:
        """Every row as found, with a name for messages such as `file.jsonl, line 7`.

        Raises:
            ValueError: rows that cannot be read.
        """

    def facts(self) -> dict[str, Any]:
        """What a manifest records about the source."""
        return {"source": type(self).__name__}


@dataclass(frozen=True)
class PromptFile(PromptSource):
    """A file: `.jsonl` with one object per line, or `.csv` or `.tsv` with a header (comma, semicolon or tab); each may
    be compressed by gzip (`.jsonl.gz`).

    Attributes:
        path: of the file.

    Raises:
        ValueError: another ending.
    """

    path: str

    def __post_init__(self) -> None:
        if self._ending not in READERS:
            endings = ", ".join(READERS)
            raise ValueError(
                f"{self.path!r} is no file of prompts: its name must end in {endings} (or .gz after one of these)"
            )

    @property
    def _ending(self) -> str:
        return Path(self.path.removesuffix(".gz")).suffix.lower()

    def rows(self) -> Iterator[tuple[str, Mapping[str, Any]]]:
        bad: list[str] = []
        yield from self.readable(bad)
        if bad:
            raise ValueError("\n".join(bad[:5]))

    def readable(self, bad: list[str]) -> Iterator[tuple[str, Mapping[str, Any]]]:
        """The rows that can be read; a sentence about each of the others is added to `bad`."""
        lines = BadLines(Path(self.path))
        for number, row in READERS[self._ending](numbered_lines(Path(self.path), lines, LONGEST_LINE)):
            if isinstance(row, str):
                bad.append(f"{self.path}, line {number}: {row}")
            elif any(NOT_UTF8 in text for text in row.values() if isinstance(text, str)):
                bad.append(f"{self.path}, line {number}: holds bytes that are not UTF-8; save the file as UTF-8")
            else:
                yield f"{self.path}, line {number}", row
        bad += [f"{self.path}, {line}" for line in lines.found]

    def facts(self) -> dict[str, Any]:
        return {"source": "PromptFile", "path": self.path}


@dataclass(frozen=True)
class HuggingFacePrompts(PromptSource):
    """A split of a Hugging Face data set, by its name on the hub or the folder it lies in (the extra `datasets`).

    Raises:
        ModuleNotFoundError: the extra is not installed.
        ValueError: a data set that cannot be loaded.
    """

    name: str
    split: str = "train"
    configuration: str | None = None

    def rows(self) -> Iterator[tuple[str, Mapping[str, Any]]]:
        for number, row in enumerate(hugging_face_rows(self.name, self.split, self.configuration)):
            yield f"{self.name}, row {number}", row

    def facts(self) -> dict[str, Any]:
        return {"source": "HuggingFacePrompts", "name": self.name, "split": self.split}


@dataclass(frozen=True)
class ReasoningGym(PromptSource):
    """Rows 0 to `size` − 1 of a generator of reasoning-gym (the extra `reasoning-gym`). The numbers of each row's
    metadata, those under `difficulty` included, are columns beside `metadata` itself.

    Attributes:
        generator: its name, such as `basic_arithmetic`.
        size: rows.
        seed: of the generator.
        settings: its further settings, such as `{max_digits: 2}`.

    Raises:
        ModuleNotFoundError: the extra is not installed.
        ValueError: a generator that does not exist, or settings it does not take.
    """

    generator: str
    size: int = 20_000
    seed: int = 0
    settings: Mapping[str, Any] = field(default_factory=dict)

    def rows(self) -> Iterator[tuple[str, Mapping[str, Any]]]:
        try:
            made = reasoning_gym().create_dataset(self.generator, size=self.size, seed=self.seed, **self.settings)
        except (ValueError, TypeError, AssertionError) as error:
            raise ValueError(f"reasoning-gym cannot make {self.generator!r}: {error}") from error
        for number in range(self.size):
            entry = made[number]
            metadata = json.loads(json.dumps(entry["metadata"], default=str))
            columns = {name: value for name, value in numbers_of(metadata) if name not in NAMES}
            yield (
                f"{self.generator}, row {number}",
                {**columns, "prompt": entry["question"], "answer": entry["answer"], "metadata": metadata},
            )

    def facts(self) -> dict[str, Any]:
        return {"source": "ReasoningGym", "generator": self.generator, "settings": dict(self.settings)}


def numbers_of(metadata: Mapping[str, Any]) -> Iterator[tuple[str, float]]:
    """Names and values of the numbers of a row's metadata; those of a row itself come before those of its difficulty,
    which may be ranges."""
    difficulty = metadata.get("difficulty")
    inner = difficulty if isinstance(difficulty, Mapping) else {"difficulty": difficulty}
    found = {name: float(value) for name, value in chain(inner.items(), metadata.items()) if _is_number(value)}
    yield from found.items()


def _json_rows(lines: Iterator[tuple[int, str]]) -> Iterator[tuple[int, dict[str, Any] | str]]:
    """One object per line; a sentence in the place of a line that holds none."""
    for number, line in lines:
        if line.strip():
            try:
                row = json.loads(line)
            except (ValueError, RecursionError):
                row = None
            yield number, row if isinstance(row, dict) else 'this is no JSON object; write {"prompt": …, "answer": …}'


def _table_rows(lines: Iterator[tuple[int, str]]) -> Iterator[tuple[int, dict[str, Any] | str]]:
    """Rows under a header; a row of another length is a sentence."""
    header = next(lines, (1, ""))[1]
    delimiter = max(DELIMITERS, key=header.count)
    names = [name.strip() for name in next(csv.reader([header], delimiter=delimiter), [])]
    numbers = [1]  # of the line that was read last

    def texts() -> Iterator[str]:
        for number, line in lines:
            numbers[:] = [number]
            yield line

    reader = csv.reader(texts(), delimiter=delimiter)
    while True:
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield numbers[0], f"this is no row of a table: {error}; correct it"
            continue
        if len(cells) == len(names):
            yield numbers[0], dict(zip(names, cells, strict=True))
        elif cells:
            yield (
                numbers[0],
                f"it has {len(cells)} cells, the header has {len(names)}; quote what holds a delimiter",
            )


READERS: Mapping[str, Callable[[Iterator[tuple[int, str]]], Iterator[tuple[int, dict[str, Any] | str]]]] = {
    ".jsonl": _json_rows,
    ".csv": _table_rows,
    ".tsv": _table_rows,
}


def _there(found: Mapping[str, Any], name: str) -> bool:
    return found.get(name) not in (None, "")


def _is_number(value: Any) -> TypeGuard[float]:
    return isinstance(value, Real) and not isinstance(value, bool)


def _text(found: Mapping[str, Any], role: str, name: str) -> str:
    if not found:
        raise ValueError(f"the row is empty; give it the column {name!r}, or leave the row out")
    if name not in found:
        raise ValueError(
            f"there is no column {name!r}; the columns are {', '.join(map(str, found))}; rename one, or name it: "
            f"task.{role}=COLUMN"
        )
    value = found[name]
    if _is_number(value):
        return str(value)
    if not isinstance(value, str) or not value:
        raise ValueError(f"the column {name!r} holds {value!r:.60} instead of a text; write one")
    return value


def _number(found: Mapping[str, Any], name: str) -> float:
    if name not in found:
        raise ValueError(
            f"there is no column {name!r} for the difficulty; the columns are {', '.join(map(str, found))}"
        )
    try:
        value = float(found[name])
    except (TypeError, ValueError):
        value = nan
    if not isfinite(value):
        raise ValueError(f"the column {name!r} holds {found[name]!r:.60} instead of a number; write one")
    return value
