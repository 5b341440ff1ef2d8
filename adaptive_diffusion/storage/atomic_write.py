"""Atomic files: a file is complete, or it is not there.

A file is written under a temporary name in the same folder, flushed to the disk, and renamed in one step. If the
process dies or the disk is full, the old file is unchanged, and at most a temporary file is left, which the next writer
of the same name removes, or :func:`remove_leftovers`.
"""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from glob import escape
from pathlib import Path

LEFTOVER = ".part-"


@contextmanager
def atomic_write(path: Path) -> Iterator[Path]:
    """A temporary path to write a file or a folder to; it becomes ``path`` when the block ends without an error.

    The temporary name has the suffix of the final one, for writers that depend on it. If ``path`` is a folder, it is
    removed first: folders cannot be exchanged in one step, but an incomplete folder never appears.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f"{LEFTOVER}{os.getpid()}-{path.name}")
    for left in path.parent.glob(f"{LEFTOVER}*-{escape(path.name)}"):
        if not _is_written_by_another(left):
            _remove(left)
    try:
        yield part
        for file in part.rglob("*") if part.is_dir() else [part]:
            if file.is_file():
                _to_disk(file)
        if part.is_dir():
            _remove(path)
        os.replace(part, path)
    finally:
        _remove(part)
    _to_disk(path.parent)


def atomic_write_file(path: Path, content: str | bytes) -> None:
    """Writes ``content`` (text as UTF-8) to ``path``, atomically."""
    with atomic_write(path) as part:
        part.write_bytes(content.encode() if isinstance(content, str) else content)


def remove_leftovers(folder: Path) -> None:
    """Removes the temporary files of dead processes in ``folder``; no other process may be writing there."""
    for part in list(folder.rglob(f"{LEFTOVER}*")):
        _remove(part)


def _is_written_by_another(part: Path) -> bool:
    """Whether the process that a temporary file is named after is another one that still runs."""
    process = part.name.removeprefix(LEFTOVER).partition("-")[0]
    if not process.isdecimal() or int(process) == os.getpid() or os.name != "posix":
        return False
    try:
        os.kill(int(process), 0)  # sends nothing
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):
        pass
    return True


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _to_disk(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
