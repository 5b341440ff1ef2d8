"""From plain values to parts: ``{_target_: a.b.C, depth: 4}`` becomes ``C(depth=4)``.

Hydra's own ``instantiate`` is not used: it looks the target up a second time, after any check of ours, and decides by a
list of what is forbidden. Here every target of the tree is looked up once and checked first; then exactly the
objects that were checked are called.
"""

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from adaptive_diffusion.config.nearest import did_you_mean
from adaptive_diffusion.config.resolution import Node, resolve
from adaptive_diffusion.config.targets import PACKAGES, find_target
from adaptive_diffusion.core.parameters import check_value

SPECIAL = {"_target_", "_partial_", "_args_"}


@dataclass(frozen=True)
class _Part:
    """A checked node: what to call, and with what."""

    key: str
    target: Callable[..., Any]
    args: list[Any]
    kwargs: dict[str, Any]
    partial: bool


def instantiate(
    node: Node,
    allow: Sequence[str] = (),
    packages: Sequence[str] = PACKAGES,
) -> Any:
    """The part that a node describes, with the parts inside it.

    ``_target_`` names a class, ``_args_`` lists positional arguments, ``_partial_: true`` binds the arguments and
    leaves the call to the receiver. Every other key is an argument. Containers arrive as plain dicts and lists.

    Args:
        node: a config or plain values.
        allow: names of modules, beside this package, whose classes and functions may be called.
        packages: packages of adaptive_diffusion to allow; fewer for untrusted files.

    Raises:
        ValueError: for a refused target, an unknown or missing argument, one that is no number where its annotation
            says so (before anything is called), or when a part refuses its arguments; the sentence starts with the key.
    """
    return _build(_read(resolve(node), "", allow, packages))


def instantiate_outer(
    node: Node,
    key: str = "",
    allow: Sequence[str] = (),
    packages: Sequence[str] = PACKAGES,
) -> Any:
    """The part that a node describes; nodes inside it are handed over as plain values, after they were checked.

    Args:
        node: a config or plain values with a ``_target_``.
        key: where the node stands in its config, for messages.
        allow, packages: as in :func:`instantiate`.

    Raises:
        ValueError: as :func:`instantiate`.
    """
    plain = resolve(node)
    part = _read(plain, key, allow, packages)
    if not isinstance(part, _Part):
        raise ValueError(_at(key, "it has no _target_."))
    arguments = {name: plain[name] for name in part.kwargs}
    return _build(_Part(key, part.target, plain.get("_args_", []), arguments, part.partial))


def check(
    node: Node,
    allow: Sequence[str] = (),
    packages: Sequence[str] = PACKAGES,
) -> None:
    """All that :func:`instantiate` checks, calling nothing.

    Raises:
        ValueError: as :func:`instantiate`.
    """
    _read(resolve(node), "", allow, packages)


def _read(node: Any, key: str, allow: Sequence[str], packages: Sequence[str]) -> Any:
    if isinstance(node, list):
        return [_read(child, f"{key}[{index}]", allow, packages) for index, child in enumerate(node)]
    if not isinstance(node, Mapping):
        return node
    children = {
        name: _read(child, f"{key}.{name}" if key else str(name), allow, packages) for name, child in node.items()
    }
    if "_target_" not in node:
        return children
    arguments = {name: child for name, child in children.items() if name not in SPECIAL}
    if strange := [name for name in arguments if not isinstance(name, str) or name.startswith("_")]:
        raise ValueError(_at(key, f"{strange[0]!r} cannot be an argument. Special keys: {', '.join(sorted(SPECIAL))}."))
    incomplete = node.get("_partial_", False)
    if not isinstance(incomplete, bool):
        raise ValueError(_at(key, f"_partial_ must be true or false, not {incomplete!r}."))
    args = children.get("_args_", [])
    if not isinstance(args, list):
        raise ValueError(_at(key, f"_args_ must be a list, not {args!r}."))
    try:
        target = find_target(node["_target_"], incomplete, allow, packages)
        _check_arguments(target, args, arguments, incomplete)
    except ValueError as error:
        raise ValueError(_at(key, str(error))) from error
    return _Part(key, target, args, arguments, incomplete)


def _check_arguments(target: Callable[..., Any], args: list, arguments: Mapping[str, Any], incomplete: bool) -> None:
    try:
        signature = inspect.signature(target)
    except (TypeError, ValueError):
        return
    name = getattr(target, "__qualname__", str(target))
    parameters = signature.parameters.values()
    if not any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters):
        known = [parameter.name for parameter in parameters if parameter.kind is not parameter.POSITIONAL_ONLY]
        for argument in arguments:
            if argument not in known:
                raise ValueError(f"{name} takes no {argument!r}.{did_you_mean(argument, known)}")
    try:
        bound = (signature.bind_partial if incomplete else signature.bind)(*args, **arguments)
    except TypeError as error:
        raise ValueError(f"{name}: {error}.") from error
    for argument, value in bound.arguments.items():
        parameter = signature.parameters[argument]
        if parameter.kind not in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD) and value is not parameter.default:
            check_value(name, argument, value, parameter.annotation)


def _build(node: Any) -> Any:
    if isinstance(node, list):
        return [_build(child) for child in node]
    if isinstance(node, dict):
        return {name: _build(child) for name, child in node.items()}
    if not isinstance(node, _Part):
        return node
    args, kwargs = _build(node.args), _build(node.kwargs)
    if node.partial:
        return partial(node.target, *args, **kwargs)
    try:
        return node.target(*args, **kwargs)
    except ValueError as error:
        raise ValueError(_at(node.key, str(error))) from error
    except (TypeError, RuntimeError) as error:  # of Python, which may name no more than a base class, or of torch
        name = getattr(node.target, "__qualname__", str(node.target))
        raise ValueError(_at(node.key, f"{name}: {error}")) from error


def _at(key: str, sentence: str) -> str:
    return f"{key}: {sentence}" if key else sentence
