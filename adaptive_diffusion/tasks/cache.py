"""Where files that were made or fetched once are stored."""

import os
from pathlib import Path


def cache_folder(name: str) -> Path:
    """`$XDG_CACHE_HOME/adaptive-diffusion/NAME`, by default below `~/.cache`. It may not exist yet."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "adaptive-diffusion" / name


def store(file: Path, content: bytes) -> None:
    """Writes a file of a cache; another process finds all of it or nothing."""
    file.parent.mkdir(parents=True, exist_ok=True)
    part = Path(f"{file}.{os.getpid()}")
    part.write_bytes(content)
    part.replace(file)
