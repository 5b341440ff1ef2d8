"""The manifest of a run: command, versions, machine and stages, so that the run can be repeated."""

import os
import platform
import subprocess
import sys
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import adaptive_diffusion
from adaptive_diffusion.storage.folder import RunFolder

NAME = "manifest.json"
PACKAGES = ("adaptive-diffusion", "torch", "lightning", "numpy", "torchmetrics", "hydra-core", "safetensors", "numba")


def environment() -> dict[str, Any]:
    """Versions, processor, device, threads and source of this process; the same facts for runs and benchmarks."""
    import torch

    cuda = torch.cuda.is_available()
    return {
        "versions": {"python": platform.python_version()} | {name: _version(name) for name in PACKAGES},
        "platform": platform.platform(),
        "processor": _processor(),
        "cores": cores(),
        "threads": torch.get_num_threads(),
        "device": torch.cuda.get_device_name() if cuda else "cpu",
        "source": source(Path(adaptive_diffusion.__file__).parent.parent),
    }


def provenance(command: Any, started: str) -> dict[str, Any]:
    """The origin of a result file: the command, when it `started` and ended, and the environment."""
    return {"command": command, "started": started, "ended": now(), **environment()}


def source(root: Path) -> dict[str, Any] | None:
    """Commit of the checkout at ``root`` and whether it has changes; None for an installed package."""
    if not (root / ".git").exists():
        return None
    try:
        commit = _git(root, "rev-parse", "HEAD")
        return {"commit": commit, "dirty": bool(_git(root, "status", "--porcelain"))}
    except (OSError, subprocess.SubprocessError):
        return None


class Manifest:
    """The manifest of a run folder while a command works on it.

    Several commands may work on a run one after the other (an interruption, then the same command again): the file
    describes the latest, and lists the ``earlier`` ones.
    """

    def __init__(self, folder: RunFolder, facts: dict[str, Any]) -> None:
        previous = folder.read_json(NAME)
        if not isinstance(previous, dict | None):
            raise ValueError(f"{folder.file(NAME)} is damaged. Remove it to go on without it.")
        earlier = previous.pop("earlier", []) if previous else []
        self._folder = folder
        self._content = {
            "command": sys.argv,
            "working_folder": os.getcwd(),
            "started": now(),
            "ended": None,
            "outcome": "running",
            **facts,
            "stages": {},
            **environment(),
            "earlier": [*earlier, previous] if previous else [],
        }
        self._write()

    def stage(self, name: str, facts: dict[str, Any]) -> None:
        """Records the facts of a stage."""
        self._content["stages"][name] = facts
        self._write()

    def end(self, outcome: str) -> None:
        """Records how the command ended: ``finished``, ``interrupted`` or the message of the error."""
        self._content |= {"ended": now(), "outcome": outcome}
        self._write()

    def _write(self) -> None:
        self._folder.write_json(NAME, self._content)


def now() -> str:
    """The time in UTC, to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def cores() -> int:
    """The number of processors that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    return next(
        (line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), platform.processor()
    )


def _git(root: Path, *arguments: str) -> str:
    command = ["git", "-C", str(root), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=10).stdout.strip()
