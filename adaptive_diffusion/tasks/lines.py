"""The lines of an untrusted text file, plain or compressed by gzip, and which of them are bad."""

import gzip
import zlib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from io import BufferedIOBase
from pathlib import Path

LONGEST_LINE = 4096  # bytes
LARGEST_RATIO, ALWAYS_READ = 100, 1 << 24  # gzip: text over compressed bytes, and the text that is read in any case

MOST_BAD_LINES = 100_000
NAMED = 5
SKIP_BAD = "--skip-bad"
"""The option of the commands that read queries."""

_GZIP = b"\x1f\x8b"
_UNPACK = "and not text; unpack it first"
_CONVERT = "and not text; convert it to CSV"
_SAVE = "and not UTF-8; save it as UTF-8"
_OTHER_FORMATS = {
    b"PK\x03\x04": ("a zip archive", _UNPACK),
    b"BZh": ("compressed by bzip2", _UNPACK),
    b"\xfd7zXZ": ("compressed by xz", _UNPACK),
    b"7z\xbc\xaf": ("a 7-Zip archive", _UNPACK),
    b"\x28\xb5\x2f\xfd": ("compressed by zstd", _UNPACK),
    b"PAR1": ("a Parquet file", _CONVERT),
    b"ARROW1": ("an Arrow file", _CONVERT),
    b"SQLite format 3": ("an SQLite database", _CONVERT),
    b"\x93NUMPY": ("a NumPy array", _CONVERT),
    b"%PDF": ("a PDF document", _CONVERT),
    b"\xff\xfe": ("UTF-16 text", _SAVE),
    b"\xfe\xff": ("UTF-16 text", _SAVE),
}


@dataclass(frozen=True)
class BadLine:
    """A line that was left out, with the reason and what to do about it."""

    line: int
    reason: str

    def __str__(self) -> str:
        return f"line {self.line}: {self.reason}"


@dataclass(frozen=True)
class BadLines:
    """The bad lines of a file, in the order in which they are found."""

    path: Path
    found: list[BadLine] = field(default_factory=list)

    def add(self, line: int, reason: str) -> None:
        """Note a bad line; raises ``ValueError`` where there are so many that the file must be something else."""
        self.found.append(BadLine(line, reason))
        if len(self.found) > MOST_BAD_LINES:
            raise ValueError(f"{self.path} has more than {MOST_BAD_LINES} bad lines{self.listing()}")

    @property
    def in_order(self) -> tuple[BadLine, ...]:
        """By their numbers."""
        return tuple(sorted(self.found, key=lambda bad: bad.line))

    def settled(self, skip_bad: bool, what: str = "lines", option: str = SKIP_BAD) -> tuple[BadLine, ...]:
        """What is left out, in order. Raises ``ValueError``, which names the first, unless they may be skipped;
        ``option`` is what the user sets for that."""
        if self.found and not skip_bad:
            raise ValueError(f"{self.path} has bad {what}, `{option}` goes on without them{self.listing()}")
        return self.in_order

    def listing(self) -> str:
        """The first bad lines, to follow a message."""
        ordered = self.in_order
        more = f"\n  and {len(ordered) - NAMED} more" if len(ordered) > NAMED else ""
        return (":" if ordered else "") + "".join(f"\n  {bad}" for bad in ordered[:NAMED]) + more


def shortened(text: str, most: int) -> str:
    """The text, or its first characters and an ellipsis where it has more than `most`."""
    return text if len(text) <= most else f"{text[: most - 1]}…"


def numbered_lines(path: Path, bad: BadLines, longest: int = LONGEST_LINE) -> Iterator[tuple[int, str]]:
    """The lines of a file, plain or compressed by gzip; never more than one line of bounded length is in memory.

    A line of more than ``longest`` bytes is added to ``bad``; so is the one from which on compressed data cannot be
    read.

    Raises ``ValueError`` for a path that is not a regular file, for a known format that is not text, and for gzip data
    that expand to more than ``LARGEST_RATIO`` times their size.
    """
    with opened(path) as (file, most):
        yield from _lines(file, most, bad, longest)


def read_text(path: Path) -> bytes:
    """The content of a text file, plain or compressed by gzip.

    Raises ``ValueError`` as ``numbered_lines``, and for damaged gzip data.
    """
    with opened(path) as (file, most):
        try:
            content = file.read() if most is None else file.read(most + 1)
        except (EOFError, gzip.BadGzipFile, zlib.error) as error:
            raise ValueError(f"{path}: the gzip data are damaged ({error}); fetch the file again") from error
        if most is not None and len(content) > most:
            raise ValueError(_expands(path))
        return content


@contextmanager
def opened(path: Path) -> Iterator[tuple[BufferedIOBase, int | None]]:
    """A text file, decompressed where it is gzip, and the most bytes to read of compressed data.

    Raises ``ValueError`` for a path that is not a regular file, and for a known format that is not text.
    """
    if not path.exists():
        raise ValueError(f"there is no file {path}; give a text file")
    if not path.is_file():
        raise ValueError(f"{path} is no file; give a text file")
    with ExitStack() as stack:
        file: BufferedIOBase = stack.enter_context(path.open("rb"))
        start = file.read(16)
        for mark, (name, remedy) in _OTHER_FORMATS.items():
            if start.startswith(mark):
                raise ValueError(f"{path} is {name}, {remedy}")
        file.seek(0)
        most = None
        if start.startswith(_GZIP):
            most = max(ALWAYS_READ, LARGEST_RATIO * path.stat().st_size)
            file = stack.enter_context(gzip.GzipFile(fileobj=file))
        yield file, most


def _expands(path: Path) -> str:
    return f"{path} expands to more than {LARGEST_RATIO} times its size; if you trust it, unpack it first"


def _lines(file: BufferedIOBase, most: int | None, bad: BadLines, longest: int) -> Iterator[tuple[int, str]]:
    number, total, complete = 0, 0, True
    try:
        while piece := file.readline(longest + 1):
            total += len(piece)
            if most is not None and total > most:
                raise ValueError(_expands(bad.path))
            begins, complete = complete, len(piece) <= longest or piece.endswith(b"\n")
            if not begins:
                continue
            number += 1
            if len(piece) > longest:
                bad.add(number, f"longer than {longest} bytes; write one query on a line")
            else:
                yield number, piece.decode("utf-8-sig" if number == 1 else "utf-8", "replace")
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        bad.add(number + 1, f"the gzip data are damaged from here on ({error}); fetch the file again")
