"""Hydra's compose API with errors that help.

``@hydra.main`` is not used: it would take over folders, logs and signals.
"""

from collections.abc import Sequence
from pathlib import Path

from hydra import compose as hydra_compose
from hydra import initialize_config_dir
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override
from hydra.errors import HydraException
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException
from yaml import YAMLError

from adaptive_diffusion.config.folder import checked_name, choices, config_folder
from adaptive_diffusion.config.nearest import did_you_mean
from adaptive_diffusion.config.resolution import first_line, read_yaml

ROOT = "config"
EXPERIMENT = "experiment"


def compose(experiment: str | None = None, overrides: Sequence[str] = (), folder: Path | None = None) -> DictConfig:
    """The root config, with an experiment's differences and then the user's overrides applied.

    Args:
        experiment: a name in ``configs/experiment``, or None for the root alone.
        overrides: Hydra's grammar, such as ``denoiser.depth=6``, ``order=margin``, ``+denoiser.new_key=1``.
        folder: another config folder than the package's own.

    Raises:
        ValueError: for an unknown experiment, key or choice, naming the nearest one that exists.
    """
    folder = folder or config_folder()
    chosen = []
    if experiment is not None:
        known = choices(EXPERIMENT, folder)
        if checked_name(experiment, "an experiment") not in known:
            raise ValueError(f"There is no experiment {experiment!r}.{did_you_mean(experiment, known)}")
        read_yaml(folder / EXPERIMENT / f"{experiment}.yaml")  # a stranger's, perhaps
        chosen.append(f"+{EXPERIMENT}={experiment}")
    return _compose(ROOT, chosen, overrides, folder)


def compose_part(role: str, name: str, overrides: Sequence[str] = (), folder: Path | None = None) -> DictConfig:
    """One config of one role, such as the sampler ``learned``; ``overrides`` start below it: ``pace.threshold=0.9``.

    Raises:
        ValueError: as :func:`compose`.
    """
    folder = folder or config_folder()
    known = choices(checked_name(role, "a role"), folder)
    if checked_name(name, f"a {role}") not in known:
        raise ValueError(f"There is no {role} {name!r}.{did_you_mean(name, known)}")
    package = role.replace("/", ".")
    inner = [_below(package, override) for override in overrides]
    return OmegaConf.select(_compose(f"{role}/{name}", [], inner, folder), package)


def _below(package: str, override: str) -> str:
    sign = override[: len(override) - len(override.lstrip("+~"))]
    return f"{sign}{package}.{override[len(sign) :]}"


def _compose(name: str, chosen: list[str], overrides: Sequence[str], folder: Path) -> DictConfig:
    parsed = [_parse(override) for override in overrides]
    for override in parsed:
        _check_choice(override, folder)
    with initialize_config_dir(str(folder.resolve()), version_base="1.3"):
        try:
            return hydra_compose(name, overrides=[*chosen, *overrides])
        except (YAMLError, OmegaConfBaseException, UnicodeDecodeError, RecursionError) as error:
            raise ValueError(f"The config {name!r} cannot be read: {first_line(error)}.") from error
        except HydraException as error:
            choosing = [str(override.input_line) for override in parsed if _is_choice(override, folder)]
            try:
                base = hydra_compose(name, overrides=[*chosen, *choosing])
            except (HydraException, OmegaConfBaseException):
                raise ValueError(f"The config {name!r} cannot be composed: {first_line(error)}.") from error
            raise ValueError(_explain(parsed, base, folder) or f"{first_line(error)}.") from error


def _parse(override: str) -> Override:
    try:
        parsed = OverridesParser.create().parse_override(override)
    except (HydraException, RecursionError) as error:
        raise ValueError(
            f"The override {override!r} is not of the form key=value. A value with blanks or other signs needs quotes "
            "inside the shell's quotes: 'name=\"a b\"'."
        ) from error
    if parsed.is_sweep_override():
        raise ValueError(f"The override {override!r} gives several values; one run takes one. A list is written [1,2].")
    return parsed


def _is_choice(override: Override, folder: Path) -> bool:
    return (folder / override.key_or_group).is_dir()


def _check_choice(override: Override, folder: Path) -> None:
    """Refuses a choice that is not in the folder of its role, above all one that leaves the folder."""
    role, value = override.key_or_group, override.value()
    if ".." in role or role.startswith("/"):
        raise ValueError(f"The override {override.input_line!r} names {role!r}, which is outside the config folder.")
    if not _is_choice(override, folder) or value is None:
        return
    for name in value if isinstance(value, list) else [value]:
        if name not in choices(role, folder):
            raise ValueError(f"There is no {role} {name!r}.{did_you_mean(str(name), choices(role, folder))}")


def _explain(overrides: list[Override], base: DictConfig, folder: Path) -> str | None:
    """The sentence about the first override of a key that is not there."""
    known = set(_keys(base))
    for override in overrides:
        key = override.key_or_group
        if _is_choice(override, folder) or override.is_add() or override.is_force_add() or key in known:
            continue
        roles = {file.parent.relative_to(folder).as_posix() for file in folder.rglob("*.yaml")} - {"."}
        advice = "" if override.is_delete() else f" To add a new key, write '+{override.input_line}'."
        return f"There is no key {key!r} in the config.{did_you_mean(key, roles | known)}{advice}"
    return None


def _keys(config: DictConfig) -> list[str]:
    """Every dotted key, of branches and leaves; list items as ``key.0``."""
    found: list[str] = []

    def visit(node: object, prefix: str) -> None:
        items = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
        for name, child in items:
            found.append(f"{prefix}{name}")
            visit(child, f"{prefix}{name}.")

    visit(OmegaConf.to_container(config, resolve=False), "")
    return found
