"""Where documents come from."""

import json
import platform
import sysconfig
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_TESTS = {"test", "tests", "idle_test"}
_NOT_OURS = {"site-packages", "dist-packages", "__pycache__"}


@dataclass(frozen=True)
class Document:
    """A text with a name. Documents of one `group` are never on both sides of a split."""

    name: str
    text: bytes
    group: str


class Corpus(ABC):
    """Documents, in an order that does not change."""

    @abstractmethod
    def documents(self) -> Iterator[Document]:
        """All of them, duplicates included."""

    def facts(self) -> dict[str, Any]:
        """What a manifest should say of it, beyond its hash."""
        return {"corpus": type(self).__name__}


@dataclass(frozen=True)
class StandardLibrary(Corpus):
    """The source of the running Python's own standard library without its tests, about 11 MB on every machine. The
    group of a file is the top-level module it belongs to."""

    def documents(self) -> Iterator[Document]:
        root = Path(sysconfig.get_path("stdlib"))
        for path in sorted(root.rglob("*.py")):
            inside = path.relative_to(root)
            if not (_TESTS | _NOT_OURS) & set(inside.parts):
                yield Document(inside.as_posix(), path.read_bytes(), inside.parts[0].removesuffix(".py"))

    def facts(self) -> dict[str, Any]:
        return {**super().facts(), "python": platform.python_version()}


@dataclass(frozen=True)
class TextFiles(Corpus):
    """Files, and all files below folders whose names end in one of `suffixes`; a document a file.

    Raises:
        ValueError: a path that is not there.
    """

    paths: Sequence[str]
    suffixes: Sequence[str] = (".txt",)

    def documents(self) -> Iterator[Document]:
        for given in map(Path, self.paths):
            if not given.exists():
                raise ValueError(f"{given} is not there; name a text file or a folder of them")
            found = [given] if given.is_file() else sorted(given.rglob("*"))
            for path in found:
                if path == given or (path.is_file() and path.suffix in self.suffixes):
                    yield Document(path.as_posix(), path.read_bytes(), path.as_posix())


@dataclass(frozen=True)
class JsonLines(Corpus):
    """A `.jsonl` file: an object a line, its text under `field`.

    Raises:
        ValueError: a line that is no object with a text there, by its number.
    """

    path: str
    field: str = "text"

    def documents(self) -> Iterator[Document]:
        with _opened(self.path) as file:
            for number, line in enumerate(file, 1):
                if not line.strip():
                    continue
                try:
                    text = json.loads(line)[self.field]
                    yield _numbered(self.path, number, text)
                except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
                    raise ValueError(
                        f"{self.path}, line {number}, is no object with a text under {self.field!r}"
                    ) from error


@dataclass(frozen=True)
class ParquetColumn(Corpus):
    """A column of texts of a Parquet file, read in batches.

    Raises:
        ValueError: a file that is not Parquet or has no such column.
    """

    path: str
    column: str = "text"

    def documents(self) -> Iterator[Document]:
        import pyarrow as pa
        import pyarrow.parquet as pq

        if not Path(self.path).is_file():
            raise ValueError(f"{self.path} is no file")
        try:
            with pq.ParquetFile(self.path) as file:
                if self.column not in file.schema_arrow.names:
                    known = ", ".join(file.schema_arrow.names)
                    raise ValueError(f"{self.path} has no column {self.column!r}; it has {known}")
                number = 0
                for batch in file.iter_batches(columns=[self.column]):
                    for text in batch[0].to_pylist():
                        yield _numbered(self.path, number, text or "")
                        number += 1
        except pa.ArrowException as error:
            raise ValueError(f"{self.path} cannot be read as Parquet: {error}") from error


@dataclass(frozen=True)
class HuggingFaceDataset(Corpus):
    """A split of a Hugging Face dataset, by the name on the hub or the folder it lies in (the extra `datasets`).

    Raises:
        ModuleNotFoundError: the extra is not installed.
    """

    name: str
    column: str = "text"
    split: str = "train"
    configuration: str | None = None

    def documents(self) -> Iterator[Document]:
        try:
            from datasets import load_dataset  # pyright: ignore[reportMissingImports]
        except ModuleNotFoundError as error:
            raise ModuleNotFoundError(
                f"the data set {self.name!r} needs datasets: pip install 'adaptive-diffusion[datasets]'"
            ) from error
        rows: Any = load_dataset(self.name, self.configuration, split=self.split)
        for number, row in enumerate(rows):
            yield _numbered(self.name, number, row[self.column])


def _opened(path: str) -> Any:
    if not Path(path).is_file():
        raise ValueError(f"{path} is no file")
    return Path(path).open(encoding="utf-8")


def _numbered(path: str, number: int, text: str) -> Document:
    name = f"{path}:{number}"
    return Document(name, text.encode(), name)
