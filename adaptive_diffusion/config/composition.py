"""Hydra's composition, over several folders, with errors that help.

``@hydra.main`` is not used: it would take over folders, logs and signals.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from hydra import compose as hydra_compose
from hydra import initialize_config_dir
from hydra._internal.config_search_path_impl import ConfigSearchPathImpl
from hydra._internal.hydra import Hydra
from hydra.core.global_hydra import GlobalHydra
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


def compose(
    experiment: str | None = None, overrides: Sequence[str] = (), search: ConfigSearch | None = None
) -> DictConfig:
    """The root config, with an experiment's differences and then the user's overrides applied.

    Args:
        experiment: a name in ``configs/experiment``, or None for the root alone.
        overrides: Hydra's grammar, such as ``denoiser.depth=6``, ``order=margin``, ``+denoiser.new_key=1``.
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
    return _compose(ROOT, chosen, overrides, search)


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
    with _searching(search):
        try:
            return hydra_compose(name, overrides=[*chosen, *overrides])
        except (YAMLError, OmegaConfBaseException, UnicodeDecodeError, RecursionError) as error:
            raise ValueError(f"The config {name!r} cannot be read: {first_line(error)}.") from error
        except HydraException as error:
            choosing = [str(override.input_line) for override in parsed if _is_choice(override, search)]
            try:
                base = hydra_compose(name, overrides=[*chosen, *choosing])
            except (HydraException, OmegaConfBaseException):
                raise ValueError(f"The config {name!r} cannot be composed: {first_line(error)}.") from error
            raise ValueError(_explain(parsed, base, search, below) or f"{first_line(error)}.") from error


@contextmanager
def _searching(search: ConfigSearch) -> Iterator[None]:
    """Hydra looks in these folders, in this order; its global state is restored at the end.

    Hydra's public functions take one folder, so its search path is built here.
    """
    with initialize_config_dir(str(search.folders[-1]), version_base="1.3"):
        path = ConfigSearchPathImpl()
        path.append("hydra", "pkg://hydra.conf")
        for folder in search.folders:
            path.append("configs", f"file://{folder}")
        path.append("schema", "structured://")
        GlobalHydra.instance().clear()
        Hydra.create_main_hydra2(task_name="compose", config_search_path=path)
        yield


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
