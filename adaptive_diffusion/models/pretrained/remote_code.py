"""Errors of code that a checkpoint brings with it, explained in one sentence."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from traceback import walk_tb
from typing import Any

FOREIGN = ("torch", "transformers", "transformers_modules")


@contextmanager
def explained(name: str, config: Mapping[str, Any], installed: str) -> Iterator[None]:
    """While the code beside the weights of `name` runs for the first time: what it raises because `transformers` has
    changed becomes one sentence with the remedy.

    Args:
        name: of the checkpoint.
        config: what its config.json holds; `transformers_version` is the version that wrote it.
        installed: the version of `transformers` in use.

    Raises:
        ValueError: in place of an AttributeError, ImportError, LookupError, NameError, NotImplementedError or TypeError
            that passed through a frame outside this package.
    """
    try:
        yield
    except (AttributeError, ImportError, LookupError, NameError, NotImplementedError, TypeError) as error:
        if not _is_foreign(error):
            raise
        written = config.get("transformers_version")
        version = f"transformers {written}" if written else "another version of transformers (its config names none)"
        fix = f"pip install transformers=={written}" if written else "the version that its model card names"
        raise ValueError(
            f"the code beside the weights of {name} was written for {version} and fails on {installed} with "
            f"{type(error).__name__}: {_one_line(error)}; install that version in an environment of its own ({fix}), "
            f"or copy model and code into a folder and {_remedy(error)} there"
        ) from error


def _is_foreign(error: Exception) -> bool:
    modules = (str(frame.f_globals.get("__name__")) for frame, _ in walk_tb(error.__traceback__))
    return any(module.partition(".")[0] in FOREIGN for module in modules)


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())


def _remedy(error: Exception) -> str:
    if isinstance(error, AttributeError):
        return "add the attribute"
    if isinstance(error, ImportError):
        return "add or replace the import"
    if isinstance(error, LookupError):
        return "add the missing entry"
    return "mend the call"
