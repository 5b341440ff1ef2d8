"""The allow-list: which class or function a ``_target_`` may name.

A dotted path reaches further than it looks: ``adaptive_diffusion.runs.os.system`` starts in this package and ends
outside, and a function of this package that writes files would write them where the config says. A target is allowed
when

1. its path starts at a package of parts (or at a module the user allowed), which is checked before anything is
   imported;
2. the object found there was *defined* in such a module: its ``__module__`` and ``__qualname__`` lead back to itself;
3. it is a class, a class method or, in one of our own packages, a function that is only bound (``_partial_: true``),
   not called: constructors of parts hold values, functions may act.

Of torch, optimisers and learning-rate schedules are allowed (``torch.optim.AdamW``), and nothing else.
"""

import importlib
import inspect
import re
import sys
from collections.abc import Callable, Sequence
from typing import Any

PACKAGE = "adaptive_diffusion"
# Some names deep and no more: the import system descends name by name, and from thousands it would not return.
PUBLIC_PATH = re.compile(r"[A-Za-z]\w*(\.[A-Za-z]\w*){0,31}", re.ASCII)
#: The packages whose classes a config may name: parts, and the stages of an experiment. Their constructors must only
#: hold values; what opens or writes files (runs, the trace writer) is left out.
PACKAGES = (
    "core.corruption",
    "core.schedule",
    "rules",
    "models",
    "tasks",
    "sampling",
    "decoding",
    "objectives",
    "evaluation",
    "training",
    "analysis",
    "runs.stages",
)
#: Modules of torch whose classes of these kinds may be named wherever the package `training` may.
OPTIMISERS = "torch.optim"
NEEDS = "training"


def find_target(
    path: Any, partial: bool, allow: Sequence[str] = (), packages: Sequence[str] = PACKAGES
) -> Callable[..., Any]:
    """The class or function that ``path`` names.

    Args:
        path: the value of ``_target_``.
        partial: whether the node asks for ``_partial_``.
        allow: modules the user allowed, with their submodules.
        packages: packages of adaptive_diffusion to allow.

    Raises:
        ValueError: if it is not on the allow-list, or is not there.
    """
    if not isinstance(path, str) or not PUBLIC_PATH.fullmatch(path):
        raise ValueError(f"_target_ {path!r:.200} is refused: it must be a dotted path of public names.")
    allowed = [*(f"{PACKAGE}.{package}" for package in packages), *allow]
    if NEEDS in packages and path.startswith(f"{OPTIMISERS}."):
        return _optimiser(path)
    if not inside(path, allowed):
        module = path.rsplit(".", 1)[0]
        raise ValueError(
            f"_target_ {path!r} is refused: it is neither a part of {PACKAGE} nor in an allowed module. "
            f"If you trust that code: --allow-module {module} (in Python: allow=[{module!r}])"
        )
    found = _locate(path, allowed)
    function = found.__func__ if _is_class_method(found) else found
    refused = f"_target_ {path!r} is refused: it is"
    if not (inspect.isclass(function) or inspect.isfunction(function)):
        raise ValueError(f"{refused} a {type(found).__name__}, not a class or a function.")
    if not _defined_in(function, allowed) or (function is not found and not _defined_in(found.__self__, allowed)):
        raise ValueError(f"{refused} reachable there, but defined in {function.__module__!r}.")
    if function is found and inspect.isfunction(function) and not partial and not inside(function.__module__, allow):
        raise ValueError(f"{refused} a function; name a class, or bind it with _partial_: true.")
    return found


def _optimiser(path: str) -> Callable[..., Any]:
    """A class of `torch.optim` that optimises or sets learning rates."""
    from torch.optim import Optimizer, lr_scheduler

    found = _locate(path, [OPTIMISERS])
    if not (inspect.isclass(found) and issubclass(found, Optimizer | lr_scheduler.LRScheduler)):
        raise ValueError(f"_target_ {path!r} is refused: of {OPTIMISERS}, only optimisers and schedules are allowed.")
    return found


def inside(name: str, modules: Sequence[str]) -> bool:
    """Whether a dotted name is one of these modules or lies in one."""
    return any(name == module or name.startswith(f"{module}.") for module in modules)


def _locate(path: str, modules: Sequence[str]) -> Any:
    """Imports the longest module prefix that is allowed, then follows attributes."""
    parts = path.split(".")
    for length in range(len(parts), 0, -1):
        name = ".".join(parts[:length])
        if not inside(name, modules):
            break
        try:
            found = importlib.import_module(name)
        except ModuleNotFoundError as error:
            if error.name is None or not inside(name, [error.name]):
                raise ValueError(f"_target_ {path!r} needs a module that is not installed: {error}.") from error
            continue
        for attribute in parts[length:]:
            if not hasattr(found, attribute):
                raise ValueError(f"_target_ {path!r}: {name!r} has no {attribute!r}.")
            found = getattr(found, attribute)
        return found
    raise ValueError(f"_target_ {path!r}: there is no such module.")


def _is_class_method(found: Any) -> bool:
    return inspect.ismethod(found) and inspect.isclass(found.__self__)


def _defined_in(thing: Any, modules: Sequence[str]) -> bool:
    """Whether module and name of a class or function lie in ``modules`` and lead back to it."""
    found: Any = sys.modules.get(thing.__module__)
    for attribute in thing.__qualname__.split("."):
        found = getattr(found, attribute, None)
    return inside(thing.__module__, modules) and getattr(found, "__func__", found) is thing
