"""Where configs are looked for, and which names they may have."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import adaptive_diffusion

NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.+=-]*(/[A-Za-z0-9_][A-Za-z0-9_.+=-]*)*")
ROOT = "config.yaml"


@dataclass(frozen=True)
class ConfigSearch:
    """Folders of configs. Where several hold a config of the same name, the first of them is used.

    Attributes:
        folders: absolute paths, the package's own folder last.
    """

    folders: tuple[Path, ...]

    @classmethod
    def of(cls, extra: Sequence[Path] = ()) -> "ConfigSearch":
        """The `extra` folders (`--config-dir`), then `./configs` if there is one, then the package's own folder.

        Raises:
            ValueError: for an extra folder that does not exist.
        """
        for folder in extra:
            if not folder.is_dir():
                raise ValueError(f"There is no config folder {folder}.")
        own = Path("configs")
        found = [*extra, *([own] if own.is_dir() else []), package_folder()]
        return cls(tuple(dict.fromkeys(folder.resolve() for folder in found)))

    def choices(self, role: str) -> list[str]:
        """The names of the configs of one role, such as ``experiment`` or ``sampler``."""
        roots = [folder / role for folder in self.folders]
        return sorted(
            {file.relative_to(root).with_suffix("").as_posix() for root in roots for file in root.rglob("*.yaml")}
        )

    def roles(self) -> set[str]:
        """The folders that hold configs, such as ``sampler``."""
        files = [file.relative_to(folder) for folder in self.folders for file in folder.rglob("*.yaml")]
        return {file.parent.as_posix() for file in files} - {"."}

    def file(self, role: str, name: str) -> Path:
        """The file that is used for a config.

        Raises:
            ValueError: if no folder has it.
        """
        for folder in self.folders:
            if (file := folder / role / f"{name}.yaml").is_file():
                return file
        raise ValueError(f"There is no {role} {name!r} in {', '.join(map(str, self.folders))}.")


def package_folder() -> Path:
    """The package's own configs: inside the package when installed, beside it in a clone."""
    package = Path(adaptive_diffusion.__file__).parent
    for folder in (package / "configs", package.parent / "configs"):
        if (folder / ROOT).is_file():
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


def choices(role: str, search: ConfigSearch | None = None) -> list[str]:
    """The names of the configs of one role, such as ``experiment`` or ``sampler``."""
    return (search or ConfigSearch.of()).choices(role)
