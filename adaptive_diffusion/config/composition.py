"""Hydra's composition, over several folders, with errors that help.

``@hydra.main`` is not used: it would take over folders, logs and signals.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hydra._internal.config_loader_impl import ConfigLoaderImpl
from hydra._internal.config_repository import CachingConfigRepository
from hydra._internal.config_search_path_impl import ConfigSearchPathImpl
from hydra._internal.core_plugins.file_config_source import FileConfigSource
from hydra._internal.core_plugins.structured_config_source import StructuredConfigSource
from hydra._internal.defaults_list import create_defaults_list
from hydra._internal.sources_registry import SourcesRegistry
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override
from hydra.errors import HydraException
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException
from yaml import YAMLError

from adaptive_diffusion.config.nearest import did_you_mean
from adaptive_diffusion.config.resolution import first_line, read_yaml
from adaptive_diffusion.config.search import ConfigSearch, checked_name

ROOT = "config"
EXPERIMENT = "experiment"
PATH_OR_NAME = {"task.corpus": "corpus"}
"""Keys whose value is a path or, where nothing of that name is there, the name of a config of this role."""


def compose(
    experiment: str | None = None, overrides: Sequence[str] = (), search: ConfigSearch | None = None
) -> DictConfig:
    """The root config, with an experiment's differences and then the user's overrides applied.

    Args:
        experiment: a name in ``configs/experiment``, or None for the root alone.
        overrides: Hydra's grammar, such as ``denoiser.depth=6``, ``order=margin``, ``+denoiser.new_key=1``. A corpus
            that is no path here may be a name in ``configs/corpus``: ``task.corpus=novels``.
        search: where configs are looked for; None is ``./configs``, then the package's own.

    Raises:
        ValueError: for an unknown experiment, key or choice, naming the nearest one that exists.
    """
    search = search or ConfigSearch.of()
    chosen = []
    if experiment is not None:
        known = search.choices(EXPERIMENT)
        if checked_name(experiment, "an experiment") not in known:
            raise ValueError(f"There is no experiment {experiment!r}.{did_you_mean(experiment, known)}")
        read_yaml(search.file(EXPERIMENT, experiment))  # it may be untrusted
        chosen.append(f"+{EXPERIMENT}={experiment}")
    config = _compose(ROOT, chosen, overrides, search)
    for key, role in PATH_OR_NAME.items():
        value = _value(config, key)
        if isinstance(value, str) and value in search.choices(role) and not Path(value).exists():
            OmegaConf.update(config, key, compose_part(role, value, search=search))
    return config


def _value(config: DictConfig, key: str) -> Any:
    """What stands under a dotted key, references unresolved; None where nothing does."""
    node: Any = OmegaConf.to_container(config, resolve=False)
    for name in key.split("."):
        node = node.get(name) if isinstance(node, dict) else None
    return node


def compose_part(role: str, name: str, overrides: Sequence[str] = (), search: ConfigSearch | None = None) -> DictConfig:
    """One config of one role, such as the sampler ``learned``; ``overrides`` start below it: ``pace.threshold=0.9``.

    Raises:
        ValueError: as :func:`compose`.
    """
    search = search or ConfigSearch.of()
    known = search.choices(checked_name(role, "a role"))
    if checked_name(name, f"a {role}") not in known:
        raise ValueError(f"There is no {role} {name!r}.{did_you_mean(name, known)}")
    package = role.replace("/", ".")
    inner = [_below(package, override) for override in overrides]
    return OmegaConf.select(_compose(f"{role}/{name}", [], inner, search, f"{package}."), package)


def _below(package: str, override: str) -> str:
    sign = override[: len(override) - len(override.lstrip("+~"))]
    return f"{sign}{package}.{override[len(sign) :]}"


def _compose(
    name: str, chosen: list[str], overrides: Sequence[str], search: ConfigSearch, below: str = ""
) -> DictConfig:
    """`below` is what the keys of the user's overrides do not have in front."""
    parsed = [_parse(override) for override in overrides]
    for override in parsed:
        _check_choice(override, search)
    try:
        return _by_hydra(name, [*chosen, *overrides], search)
    except (YAMLError, OmegaConfBaseException, UnicodeDecodeError, RecursionError) as error:
        raise ValueError(f"The config {name!r} cannot be read: {first_line(error)}.") from error
    except HydraException as error:
        choosing = [str(override.input_line) for override in parsed if _is_choice(override, search)]
        try:
            base = _by_hydra(name, [*chosen, *choosing], search)
        except (HydraException, OmegaConfBaseException):
            raise ValueError(f"The config {name!r} cannot be composed: {first_line(error)}.") from error
        raise ValueError(_explain(parsed, base, search, below) or f"{first_line(error)}.") from error


def _by_hydra(name: str, overrides: list[str], search: ConfigSearch) -> DictConfig:
    """The config that Hydra composes of a primary config and overrides.

    ``hydra.compose`` is not called: it takes one folder, changes global state, and merges ten configs of Hydra itself
    (launchers, sweepers, logs) into each config, which takes most of its time. The steps below are its own, without
    those configs.
    """
    path = ConfigSearchPathImpl()
    for folder in search.folders:
        path.append("configs", f"file://{folder}")
    path.append("schema", "structured://")
    for source in (FileConfigSource, StructuredConfigSource):
        SourcesRegistry.instance().register(source)
    loader = ConfigLoaderImpl(path)
    repository = CachingConfigRepository(loader.repository)
    parsed = OverridesParser.create().parse_overrides(overrides)
    defaults = create_defaults_list(repository, name, parsed, prepend_hydra=False, skip_missing=False)
    config = loader._compose_config_from_defaults_list(defaults.defaults, repository)
    OmegaConf.set_struct(config, True)
    loader._apply_overrides_to_config(defaults.config_overrides, config)
    return config


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


def _is_choice(override: Override, search: ConfigSearch) -> bool:
    return any((folder / override.key_or_group).is_dir() for folder in search.folders)


def _check_choice(override: Override, search: ConfigSearch) -> None:
    """Refuses a choice that is not in the folders of its role, above all one that leaves them."""
    role, value = override.key_or_group, override.value()
    if ".." in role or role.startswith("/"):
        raise ValueError(f"The override {override.input_line!r} names {role!r}, which is outside the config folders.")
    if not _is_choice(override, search) or value is None:
        return
    for name in value if isinstance(value, list) else [value]:
        if name not in search.choices(role):
            raise ValueError(f"There is no {role} {name!r}.{did_you_mean(str(name), search.choices(role))}")


def _explain(overrides: list[Override], base: DictConfig, search: ConfigSearch, below: str) -> str | None:
    """The sentence about the first override of a key that is not there."""
    known = set(_keys(base))
    for override in overrides:
        key = override.key_or_group
        if _is_choice(override, search) or override.is_add() or override.is_force_add() or key in known:
            continue
        key, choices = key.removeprefix(below), set() if below else search.roles()
        line = str(override.input_line).removeprefix(below)
        advice = "" if override.is_delete() else f" To add a new key, write '+{line}'."
        near = did_you_mean(key, choices | {name.removeprefix(below) for name in known})
        return f"There is no key {key!r} in the config.{near}{advice}"
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
