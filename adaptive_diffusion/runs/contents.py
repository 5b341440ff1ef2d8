"""What a config names and does not hold: the code of allowed modules, and files of data.

Results that were kept are those of the same config only as long as these are what they were.
"""

import hashlib
import os
from collections.abc import Iterable, Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from adaptive_diffusion.config import digest
from adaptive_diffusion.config.resolution import leaves

LARGEST_READ = 64 * 2**20
"""Bytes of a file up to which its contents are compared; beyond it, its size and time of change."""


def sha256(file: Path) -> str:
    """Of the contents of a file."""
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


def code_of(modules: Iterable[str]) -> dict[str, str]:
    """A digest of the sources of each module, under the name that sentences give it. What they import is not part of
    it, apart from a package's own modules, and a module without a file is left out."""
    found = {}
    for module in modules:
        if files := _sources(module):
            found[f"the code of {module}"] = digest({str(file): sha256(file) for file in files})
    return found


def code_named(node: Any, allow: Sequence[str]) -> dict[str, str]:
    """`code_of` the allowed modules that values of a node name."""
    texts = _texts(node)
    return code_of(module for module in allow if any(f"{text}.".startswith(f"{module}.") for text in texts))


def files_named(node: Any) -> dict[str, str]:
    """A digest of each regular file that a value of a node names, under its name; what cannot be read is left out."""
    found = {}
    for text in sorted(_texts(node)):
        if not os.path.isfile(text):  # unlike Path.is_file, it takes any text
            continue
        try:
            about = os.stat(text)
            large = about.st_size > LARGEST_READ
            found[text] = digest([about.st_size, about.st_mtime_ns]) if large else sha256(Path(text))
        except OSError:
            continue
    return found


def changed(before: Mapping[str, str], now: Mapping[str, str]) -> list[str]:
    """The names of what is there and is not what it was. What is gone, or new, is no change: results stay good when
    their data is moved away."""
    return [name for name in now if before.get(name, now[name]) != now[name]]


def _texts(node: Any) -> set[str]:
    return {value for _, value in leaves(node) if isinstance(value, str)}


def _sources(module: str) -> list[Path]:
    """The files of a module, or of a package and all below it, without importing it."""
    try:
        spec = find_spec(module)
    except (ImportError, ValueError):  # no such module, or one that was made by hand
        return []
    if spec is None:
        return []
    files = {Path(spec.origin)} if spec.origin and os.path.isfile(spec.origin) else set[Path]()
    for folder in spec.submodule_search_locations or ():
        files.update(file for file in Path(folder).rglob("*.py") if file.is_file())
    return sorted(files)
