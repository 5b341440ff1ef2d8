"""Where documents come from."""

import json
import platform
import sysconfig
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from adaptive_diffusion.tasks.hugging_face import hugging_face_rows
from adaptive_diffusion.tasks.lines import read_text

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
    """Files, and all files below folders whose names end in one of `suffixes`; each file is a document. Files may be
    compressed by gzip; the suffix of `a.txt.gz` is `.txt`.

    Attributes:
        paths: files and folders.
        suffixes: of files in folders; None takes every file that is UTF-8 text and not hidden.

    Raises:
        ValueError: a path that is not there, a file that is named and is not text, or no file at all.
    """

    paths: Sequence[str]
    suffixes: Sequence[str] | None = (".txt",)

    def documents(self) -> Iterator[Document]:
        for name, text in _texts(self.paths, self.suffixes):
            yield Document(name, text, name)


@dataclass(frozen=True)
class TextLines(Corpus):
    """As `TextFiles`, but each line that is not blank is a document: sentences, SMILES, commands."""

    paths: Sequence[str]
    suffixes: Sequence[str] | None = (".txt",)

    def documents(self) -> Iterator[Document]:
        for file, text in _texts(self.paths, self.suffixes):
            for number, line in enumerate(text.splitlines(), 1):
                if line.strip():
                    name = f"{file}:{number}"
                    yield Document(name, line, name)


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
                    yield _numbered(Path(self.path).name, number, text)
                except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
                    raise ValueError(
                        f"{self.path}, line {number}, is no object with a text under {self.field!r}"
                    ) from error


@dataclass(frozen=True)
class ParquetColumn(Corpus):
    """A column of texts of a Parquet file, read in batches.

    Raises:
        ValueError: a file that is not Parquet or has no such column; a row without a text there.
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
                        if not isinstance(text, str):
                            where = f"{self.path}, row {number}: the column {self.column!r}"
                            raise ValueError(f"{where} holds {text!r:.60} instead of a text")
                        yield _numbered(Path(self.path).name, number, text)
                        number += 1
        except pa.ArrowException as error:
            raise ValueError(f"{self.path} cannot be read as Parquet: {error}") from error


@dataclass(frozen=True)
class HuggingFaceDataset(Corpus):
    """A split of a Hugging Face dataset, by the name on the hub or the folder it lies in (the extra `datasets`).

    Raises:
        ModuleNotFoundError: the extra is not installed.
        ValueError: a data set that cannot be loaded; a row without a text in this column.
    """

    name: str
    column: str = "text"
    split: str = "train"
    configuration: str | None = None

    def documents(self) -> Iterator[Document]:
        rows = hugging_face_rows(self.name, self.split, self.configuration)
        for number, row in enumerate(rows):
            if not isinstance(text := row.get(self.column), str):
                columns = ", ".join(row)
                raise ValueError(
                    f"{self.name}, row {number}: the column {self.column!r} holds {text!r:.60} instead of a text; the "
                    f"columns are {columns}"
                )
            yield _numbered(self.name, number, text)


def corpus_at(path: str, lines: bool = False) -> Corpus:
    """The corpus of a path: a `.jsonl` or `.parquet` file with texts under `text`, any other text file, or a folder, of
    which every text file that is not hidden is taken.

    Args:
        path: of a file or folder, which need not be there yet.
        lines: each line of a text file is a document.
    """
    match Path(path.removesuffix(".gz")).suffix:
        case ".jsonl":
            return JsonLines(path)
        case ".parquet":
            return ParquetColumn(path)
    return TextLines([path], None) if lines else TextFiles([path], None)


def _texts(paths: Sequence[str], suffixes: Sequence[str] | None) -> Iterator[tuple[str, bytes]]:
    """Names of files and their contents, those of folders in the order of their names. A name begins below the folder,
    so that the split by names does not depend on where a corpus lies."""
    count = 0
    for given in map(Path, paths):
        if not given.exists():
            raise ValueError(
                f"{given} is not there; name a text file, a folder of them, or one of configs/corpus such as novels"
            )
        for path in [given] if given.is_file() else sorted(given.rglob("*")):
            if path == given:
                text = read_text(path)
                if b"\0" in text:
                    raise ValueError(f"{path} is not text: it holds bytes of 0; name the text files of a folder")
            elif (found := _text_in_folder(path, given, suffixes)) is None:
                continue
            else:
                text = found
            count += 1
            yield path.name if path == given else path.relative_to(given).as_posix(), text
    if not count:
        wanted = "text" if suffixes is None else " or ".join(suffixes)
        raise ValueError(f"{', '.join(paths)}: there is no file of {wanted}")


def _text_in_folder(path: Path, folder: Path, suffixes: Sequence[str] | None) -> bytes | None:
    """The content of a file that belongs to the corpus of a folder; None for any other."""
    if not path.is_file():
        return None
    if suffixes is not None:
        return read_text(path) if Path(path.name.removesuffix(".gz")).suffix in suffixes else None
    if any(part.startswith(".") or part in _NOT_OURS for part in path.relative_to(folder).parts):
        return None
    try:
        text = read_text(path)
    except ValueError:  # another format than text
        return None
    return text if _is_text(text) else None


def _is_text(content: bytes) -> bool:
    try:
        content.decode()
    except UnicodeDecodeError:
        return False
    return b"\0" not in content


def _opened(path: str) -> Any:
    if not Path(path).is_file():
        raise ValueError(f"{path} is no file")
    return Path(path).open(encoding="utf-8")


def _numbered(path: str, number: int, text: str) -> Document:
    name = f"{path}:{number}"
    return Document(name, text.encode(), name)
