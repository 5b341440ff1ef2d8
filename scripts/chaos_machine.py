"""Small disks, processes and ports of this machine, for `chaos.py`."""

import http.client
import os
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from chaos_commands import DISK


class NotPossibleError(Exception):
    """A situation that cannot be made on this machine; the sentence says why."""


@contextmanager
def disk(place: Path, options: str) -> Iterator[None]:
    """A disk of its own below the folder in which a command is started.

    Raises:
        NotPossibleError: where disks cannot be mounted.
    """
    if os.geteuid() != 0:
        raise NotPossibleError("only root can mount a small disk")
    try:
        mount("-t", "tmpfs", "-o", options, "tmpfs", str(place / DISK))
    except subprocess.CalledProcessError as error:
        raise NotPossibleError(f"a small disk cannot be mounted here: {error.stderr.strip()}") from error
    try:
        yield
    finally:
        subprocess.run(["umount", str(place / DISK)], check=True)


def mount(*arguments: str) -> None:
    """Calls `mount`."""
    subprocess.run(["mount", *arguments], check=True, capture_output=True, text=True)


def descendants(process: int) -> list[int]:
    """The processes that a process and its children started."""
    parents = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            parents[int(path.parent.name)] = int(path.read_text().rpartition(")")[2].split()[1])
        except OSError:  # it has ended
            continue
    found = [process]
    for one in found:
        found += [child for child, parent in parents.items() if parent == one]
    return found[1:]


def command_line(process: int) -> str:
    """Of a process; empty where it has ended."""
    try:
        return Path(f"/proc/{process}/cmdline").read_text()
    except OSError:
        return ""


def free_port() -> int:
    """A port of this machine that nothing listens at."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


def answers(port: int) -> bool:
    """Whether a page is served at a port."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", "/")
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()
