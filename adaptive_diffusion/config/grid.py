"""Overrides that give several values: every combination of them, in Hydra's grammar."""

import shlex
from collections.abc import Sequence
from itertools import islice, product
from math import prod
from pathlib import Path

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.errors import HydraException

Setting = tuple[str, ...]
MOST = 100_000
"""Settings that one command may ask for."""


def combinations(overrides: Sequence[str]) -> list[Setting]:
    """Every combination of the values of `a=1,2 b=range(0,3) c=4`, the last override fastest.

    Raises:
        ValueError: an override that is not of the form key=value, whose values cannot be listed, or more than `MOST`
            combinations.
    """
    values = [_values(override) for override in overrides]
    if prod(map(len, values)) > MOST:
        raise ValueError(f"The overrides have more than {MOST} combinations; give fewer values.")
    return list(product(*values))


def listed(path: Path) -> list[Setting]:
    """The settings of a file: overrides separated by blanks, a setting a line; `#` begins a comment.

    Raises:
        ValueError: a file that is not there, that cannot be read as text, that is empty, or with a line of open quotes.
    """
    if not path.exists():
        raise ValueError(f"there is no file {path}; write a setting a line, such as seed=1 model.denoiser.depth=6")
    try:
        lines = [shlex.split(line, comments=True) for line in path.read_text(encoding="utf-8").splitlines()]
    except ValueError as error:
        raise ValueError(f"{path} cannot be read as a list of overrides: {error}") from error
    settings = [setting for line in lines if line for setting in combinations(line)]
    if not settings:
        raise ValueError(f"{path} holds no overrides: write a setting a line, such as seed=1 model.denoiser.depth=6")
    return settings


def _values(override: str) -> list[str]:
    try:
        parsed = OverridesParser.create().parse_override(override)
        if not parsed.is_sweep_override():
            return [override]
        if not parsed.is_discrete_sweep():
            raise ValueError(f"{override!r} has no list of values: write a,b,c or range(0,10,2)")
        values = [*islice(parsed.sweep_string_iterator(), MOST + 1)]
        if not values:
            raise ValueError(f"{override!r} gives no value at all")
        return [f"{parsed.get_key_element()}={value}" for value in values]
    except (HydraException, RecursionError) as error:
        raise ValueError(f"The override {override!r} is not of the form key=value or key=value,value.") from error
