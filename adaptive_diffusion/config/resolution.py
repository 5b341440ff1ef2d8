"""From a composed config to plain values, and what follows from plain values alone: their digest, their differences."""

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml
from omegaconf import Container, DictConfig, ListConfig, OmegaConf
from omegaconf.errors import MissingMandatoryValue, OmegaConfBaseException

#: A composed config or a part of one, or plain values.
Node = DictConfig | ListConfig | dict | list
REFERENCE = re.compile(r"\$\{\s*\.*[A-Za-z_][\w.-]*(\[\d+\][\w.]*)*\s*\}")
DEEPEST = 64


def resolve(config: Node) -> Any:
    """The plain dicts, lists and scalars of a config, every reference ``${a.b}`` replaced by its value.

    References to other keys are the only interpolations. Resolvers (``${oc.env:HOME}``, ``${oc.decode:…}``) read the
    environment or evaluate text, and a config may be untrusted: they are refused before anything is resolved,
    and so is text that would become one if it were read again.

    Raises:
        ValueError: for a resolver, a reference to a key that is not there, a value that is still to be given (``???``).
    """
    complete = OmegaConf.to_container(config._get_root(), resolve=False) if isinstance(config, Container) else config
    for key, value in leaves(complete):
        if isinstance(value, str) and "${" in REFERENCE.sub("", value):
            raise ValueError(f"{key}: {value!r} is refused: only references to keys, as ${{a.b}}, are resolved.")
    try:
        node = config if isinstance(config, Container) else OmegaConf.create(config)
        plain = OmegaConf.to_container(node, resolve=True, throw_on_missing=True)
    except MissingMandatoryValue as error:
        raise ValueError(f"{error.full_key} has no value yet: add {error.full_key}=… to the command.") from error
    except (OmegaConfBaseException, RecursionError) as error:
        raise ValueError(f"The config cannot be resolved: {first_line(error)}.") from error
    for key, value in leaves(plain):
        if isinstance(value, str) and "${" in value:
            raise ValueError(f"{key}: {value!r} is refused: references must not put interpolations together.")
    return plain


def read_yaml(path: Path) -> Any:
    """The plain values of a YAML file, references unresolved.

    Raises:
        ValueError: a file that cannot be read, that holds anything but plain values, or aliases (`*name`), with which
            a few lines describe more than any memory holds.
    """
    try:
        text = path.read_text(encoding="utf-8")
        if any(isinstance(event, yaml.AliasEvent) for event in yaml.parse(text, Loader=yaml.SafeLoader)):
            raise ValueError(f"{path} is refused: it holds aliases; refer to other keys with ${{a.b}}.")
        return OmegaConf.to_container(OmegaConf.create(text), resolve=False)
    except (yaml.YAMLError, OmegaConfBaseException, OSError, UnicodeDecodeError, RecursionError) as error:
        raise ValueError(f"{path} cannot be read: {first_line(error)}.") from error


def leaves(node: Any, key: str = "", depth: int = 0) -> Iterator[tuple[str, Any]]:
    """Every scalar and empty container below ``node`` with its dotted key."""
    if depth > DEEPEST:
        raise ValueError(f"The config is nested more than {DEEPEST} levels deep.")
    if isinstance(node, Mapping) and node:
        for name, child in node.items():
            if not isinstance(name, str):
                raise ValueError(f"{key or 'The config'} has the key {name!r}; keys must be text: write '{name}'.")
            yield from leaves(child, f"{key}.{name}" if key else name, depth + 1)
    elif isinstance(node, list) and node:
        for index, child in enumerate(node):
            yield from leaves(child, f"{key}[{index}]", depth + 1)
    else:
        yield key, node


def digest(plain: Any) -> str:
    """SHA-256 over plain values, the same for the same values in any order of keys."""
    return hashlib.sha256(json.dumps(plain, sort_keys=True, ensure_ascii=False).encode()).hexdigest()


def differences(before: Any, now: Any) -> list[str]:
    """One phrase for each key whose value differs: ``denoiser.depth is 6 and was 4``."""
    old, new = dict(leaves(before)), dict(leaves(now))
    missing = object()
    phrases = []
    for key in sorted(old.keys() | new.keys()):
        was, is_now = old.get(key, missing), new.get(key, missing)
        if is_now is missing:
            phrases.append(f"{key} is gone and was {was!r}")
        elif was is missing:
            phrases.append(f"{key} is new: {is_now!r}")
        elif was != is_now:
            phrases.append(f"{key} is {is_now!r} and was {was!r}")
    return phrases


def first_line(error: BaseException) -> str:
    """The first line of the message without its full stop, or the name of the class where there is no message."""
    lines = str(error).strip().splitlines()
    return lines[0].rstrip(".") if lines else type(error).__name__
