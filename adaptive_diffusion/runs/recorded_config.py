"""The config that a run folder was made with."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from adaptive_diffusion.config import differences
from adaptive_diffusion.config.resolution import read_yaml
from adaptive_diffusion.storage.folder import RunFolder

CONFIG = "config.yaml"


def check_config(
    plain: dict[str, Any], contents: list[str], folder: RunFolder, update: bool, say: Callable[[str], None]
) -> None:
    """Compares a config with the one that the folder was made with, if there is one.

    Args:
        plain: the values of the config.
        contents: names of code and of files of data that are not what they were.
        folder, update, say: as in `run_experiment`.

    Raises:
        ValueError: there are changes, and no update is asked for.
    """
    path = folder.file(CONFIG)
    changes = differences(read_config(path), plain) if path.is_file() else []
    was, now = ("another config", "The config") if changes else ("other code or data", "Code or data")
    changes += [f"{name} is not what it was" for name in contents]
    if not changes:
        return
    shown = "; ".join(changes[:3]) + (f"; and {len(changes) - 3} more" if len(changes) > 3 else "")
    if not update:
        raise ValueError(
            f"{folder.path} was made with {was}: {shown}. Choose another folder (--folder), or run "
            "again here what this changes (--update)."
        )
    say(f"{now} has changed: {shown}.")


def read_config(path: Path) -> dict[str, Any]:
    """The plain values of a run's `config.yaml`.

    Raises:
        ValueError: if it is damaged, or holds anything but plain values.
    """
    try:
        found = read_yaml(path)
    except ValueError as error:
        raise ValueError(f"{path} is damaged: {error} Choose another folder (--folder).") from error
    if not isinstance(found, dict):
        raise ValueError(f"{path} is damaged: it holds no config. Choose another folder (--folder).")
    return found
