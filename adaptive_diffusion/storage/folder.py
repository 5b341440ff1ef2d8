"""The folder of a run: all files that one run writes, locked by one process at a time."""

import json
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from adaptive_diffusion.storage.atomic_write import atomic_write, atomic_write_file, remove_leftovers

LOCK = ".lock"


class RunFolder:
    """The folder of a run. ``with RunFolder(path) as folder:`` locks it for this process; reading needs no lock. A
    folder that did not exist is removed again after a `ValueError`, if nothing was written to it.

    Attributes:
        path: of the folder.
        allow: modules outside this package whose classes the run's configs and checkpoints may name.
    """

    def __init__(self, path: Path | str, allow: Sequence[str] = ()) -> None:
        self.path = Path(path)
        self.allow = tuple(allow)
        self._lock = FileLock(self.path / LOCK, thread_local=False)
        self._new = False

    def __enter__(self) -> "RunFolder":
        """Creates and locks the folder, and removes the temporary files of an interrupted process.

        Raises:
            ValueError: if another process has locked it (the message names that process), or if the path is a file.
        """
        if self.path.exists() and not self.path.is_dir():
            raise ValueError(f"{self.path} is a file; a run needs a folder.")
        self._new = not self.path.exists()
        self.path.mkdir(parents=True, exist_ok=True)
        try:
            self._lock.acquire(timeout=0)
        except Timeout:
            holder = (self.path / LOCK).read_text().strip() or "unknown"
            raise ValueError(
                f"{self.path} is in use by process {holder}. Wait until it ends, stop it, or choose another folder."
            ) from None
        (self.path / LOCK).write_text(str(os.getpid()))
        remove_leftovers(self.path)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        # Before the release, so that no other process can hold the file that goes.
        if self._new and isinstance(error, ValueError) and [path.name for path in self.path.iterdir()] == [LOCK]:
            (self.path / LOCK).unlink()
        self._lock.release()
        if self._new and isinstance(error, ValueError):
            with suppress(OSError):  # it holds something
                self.path.rmdir()
        if isinstance(error, KeyboardInterrupt | SystemExit):  # Lightning turns Ctrl-C into an exit of its own
            error.add_note("Finished work is stored: the same command goes on from there.")

    def file(self, name: str) -> Path:
        """The path of a file of this run, such as ``traces/learned.parquet``.

        Raises:
            ValueError: if the name leads outside the folder.
        """
        path = self.path / name
        outside = ".." in Path(name).parts or "\0" in name or not path.resolve().is_relative_to(self.path.resolve())
        if not name or outside:
            raise ValueError(f"{name!r} cannot be the name of a file in {self.path}: it leads elsewhere.")
        return path

    @contextmanager
    def atomic_write(self, name: str) -> Iterator[Path]:
        """A temporary path to write to; it becomes the file or folder ``name`` when the block ends without an error."""
        with atomic_write(self.file(name)) as part:
            yield part

    def write(self, name: str, content: str | bytes) -> None:
        """Writes a file atomically: completely or not at all."""
        atomic_write_file(self.file(name), content)

    def write_json(self, name: str, value: Any) -> None:
        """Writes ``value`` as JSON, atomically. Raises `ValueError` for NaN and infinity, which JSON does not have."""
        self.write(name, json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n")

    def read_json(self, name: str, default: Any = None) -> Any:
        """The value that :meth:`write_json` wrote, or ``default`` if there is no such file.

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
