"""Untrusted files: every one is refused with its reason, and nothing of it runs or is written."""

import os
import sys
from pathlib import Path

import pytest
from hostile.case import Hostile
from hostile_files import collection
from typer.testing import CliRunner

from adaptive_diffusion.cli.app import app

STARTS = ("os.system", "os.exec", "os.posix_spawn", "os.fork", "subprocess.Popen")
WRITES = ("os.mkdir", "os.remove", "os.rename", "os.rmdir", "os.symlink", "os.truncate")
heard: list[list[str]] = []


def listen(event: str, details: tuple) -> None:
    """Notes what the interpreter is asked to start, and to write below the working folder, while a case is open."""
    if not heard or not event.startswith(("open", *STARTS, *WRITES)):
        return
    path = details[0] if details and isinstance(details[0], str | os.PathLike) else ""
    here = os.path.abspath(path).startswith(os.getcwd()) and not str(path).endswith(".lock")
    writes = (event in WRITES and not (event == "os.mkdir" and os.path.isdir(path))) or (
        event == "open" and isinstance(details[1], str) and set("wax+") & set(details[1])
    )
    if event.startswith(STARTS) or (writes and here):
        heard[-1].append(f"{event} {details}")


sys.addaudithook(listen)  # for good: a hook cannot be taken out again


@pytest.fixture(scope="module")
def hostile(tmp_path_factory) -> tuple[Path, dict[str, Hostile]]:
    folder = tmp_path_factory.mktemp("hostile") / "files"
    return folder, {case.name: case for case in collection(folder)}


def state(folder: Path) -> dict[str, tuple[int, int]]:
    """Every file but locks and what Python compiled for itself, with its size and time."""
    found = {}
    for entry in os.scandir(folder):  # many times faster than `Path.rglob`; this is done once a case
        if entry.name in (".lock", "__pycache__"):
            continue
        if entry.is_dir(follow_symlinks=False):
            found |= state(Path(entry.path))
        elif entry.is_file():
            details = entry.stat()
            found[entry.path] = (details.st_size, details.st_mtime_ns)
    return found


def test_each_is_refused_with_its_reason_and_does_nothing(hostile, monkeypatch):
    folder, cases = hostile
    monkeypatch.chdir(folder)
    monkeypatch.syspath_prepend(folder)
    wrong = []
    after = state(folder)
    for case in cases.values():
        before = after
        heard.append([])
        result = CliRunner().invoke(app, case.command)
        did = heard.pop()
        after = state(folder)
        output = result.stderr
        problems = [
            *([] if result.exit_code == 2 else [f"exit status {result.exit_code}: {result.exception!r}"]),
            *([] if case.reason in output else [f"says {output!r} and not {case.reason!r}"]),
            *(["a traceback"] if "Traceback" in output else []),
            *(did and [f"did {did}"]),
            *(["it wrote"] if after != before else []),
        ]
        wrong += [f"{case.name}: {problem}" for problem in problems]
    assert not (folder / "owned").exists()
    assert wrong == []
    assert len(cases) > 300
