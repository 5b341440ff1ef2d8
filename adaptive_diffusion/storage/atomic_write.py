"""Files appear whole or not at all.

A file is written under a temporary name beside its place, forced to the disk, and moved there in one step. A process
that dies, or a disk that is full, leaves the old file as it was, and at most a leftover for :func:`remove_leftovers`.
"""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

LEFTOVER = ".part-"


@contextmanager
def atomic_write(path: Path) -> Iterator[Path]:
    """A temporary path to write a file or a folder to; it becomes ``path`` when the block ends without an error.

    The temporary name ends like the final one, so writers that look at the suffix are content. A folder in the place of
    ``path`` is removed first: folders cannot be exchanged in one step, but a half-written one never appears.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f"{LEFTOVER}{os.getpid()}-{path.name}")
    _remove(part)
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
    """Writes ``content`` (text as UTF-8) to ``path``, whole or not at all."""
    with atomic_write(path) as part:
        part.write_bytes(content.encode() if isinstance(content, str) else content)


def remove_leftovers(folder: Path) -> None:
    """Removes what processes that died left under ``folder``; call it only while nobody else writes there."""
    for part in list(folder.rglob(f"{LEFTOVER}*")):
        _remove(part)


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
