"""Where the configs are, and which names may be asked for."""

import re
from pathlib import Path

import adaptive_diffusion

NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.+=-]*(/[A-Za-z0-9_][A-Za-z0-9_.+=-]*)*")


def config_folder() -> Path:
    """The folder ``configs``: inside the package when installed, beside it in a clone."""
    package = Path(adaptive_diffusion.__file__).parent
    for folder in (package / "configs", package.parent / "configs"):
        if (folder / "config.yaml").is_file():
            return folder
    raise ValueError(f"There is no configs folder beside or inside {package}: install the package again.")


def checked_name(name: str, what: str) -> str:
    """``name`` if it stays inside its folder.

    Raises:
        ValueError: for an empty name, a path upwards or from the root, or signs a file name should not have.
    """
    if not NAME.fullmatch(name) or ".." in name:
        raise ValueError(f"{name!r} cannot be the name of {what}: letters, digits and /_-.=+ only, and never '..'.")
    return name


def choices(role: str, folder: Path | None = None) -> list[str]:
    """The names of the configs of one role, such as ``experiment`` or ``sampler``."""
    root = (folder or config_folder()) / role
    return sorted(file.relative_to(root).with_suffix("").as_posix() for file in root.rglob("*.yaml"))
