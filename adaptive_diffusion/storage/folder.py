"""A run folder: everything one run writes, held by one process at a time."""

import fcntl
import json
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from adaptive_diffusion.storage.atomic_write import atomic_write, atomic_write_file, remove_leftovers

LOCK = ".lock"


class RunFolder:
    """The folder of a run. Entered (``with RunFolder(path) as folder:``) it is this process's alone.

    LogitStatistic needs no entry.

    Attributes:
        path: where it is.
        allow: modules beside this package whose classes this run's configs and checkpoints may name.
    """

    def __init__(self, path: Path | str, allow: Sequence[str] = ()) -> None:
        self.path = Path(path)
        self.allow = tuple(allow)
        self._lock: IO[str] | None = None

    def __enter__(self) -> "RunFolder":
        """Creates and locks the folder, and removes what an interrupted process left half-written.

        Raises:
            ValueError: if another process holds it, naming that process, or if its place is taken by a file.
        """
        if self.path.exists() and not self.path.is_dir():
            raise ValueError(f"{self.path} is a file; a run needs a folder.")
        self.path.mkdir(parents=True, exist_ok=True)
        lock = (self.path / LOCK).open("a+")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            holder = lock.read().strip() or "unknown"
            lock.close()
            raise ValueError(
                f"{self.path} is in use by process {holder}. Wait until it ends, stop it, or choose another folder."
            ) from None
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        self._lock = lock
        remove_leftovers(self.path)
        return self

    def __exit__(self, *error: object) -> None:
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def file(self, name: str) -> Path:
        """The path of a file of this run, such as ``traces/learned.parquet``.

        Raises:
            ValueError: if the name leads out of the folder.
        """
        path = self.path / name
        if not name or "\0" in name or not path.resolve().is_relative_to(self.path.resolve()) or ".." in path.parts:
            raise ValueError(f"{name!r} cannot be the name of a file in {self.path}: it leads elsewhere.")
        return path

    @contextmanager
    def atomic_write(self, name: str) -> Iterator[Path]:
        """A temporary path to write to; it becomes the file or folder ``name`` when the block ends without an error."""
        with atomic_write(self.file(name)) as part:
            yield part

    def write(self, name: str, content: str | bytes) -> None:
        """Writes a file whole or not at all."""
        atomic_write_file(self.file(name), content)

    def write_json(self, name: str, value: Any) -> None:
        """Writes ``value`` as JSON, whole or not at all; NaN and infinity, which JSON does not have, are refused."""
        self.write(name, json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n")

    def read_json(self, name: str, default: Any = None) -> Any:
        """What :meth:`write_json` wrote, or ``default`` if there is no such file.

        Raises:
            ValueError: if the file is not JSON.
        """
        path = self.file(name)
        if not path.is_file():
            return default
        try:
            return json.loads(path.read_text())
        except (ValueError, RecursionError) as error:
            raise ValueError(f"{path} is damaged: {error}. Remove it to go on without it.") from error
