"""Refusal of parameters that no rule can use."""

import math
from itertools import chain
from typing import Any, Self


def check_steps(steps: int, problem: str) -> None:
    """Refuses a number of steps below 1.

    Raises:
        ValueError: fewer than one step; the message says which problem that is.
    """
    if steps < 1:
        raise ValueError(f"steps={steps} {problem}; use at least 1")


class Parameters:
    """Mix-in for records of settings: an argument that is NaN, alone or in a list, is refused when one is made.

    NaN is neither above nor below a threshold, so a rule with such a setting would run and never act.

    Raises:
        ValueError: an argument that is NaN; the message names it.

    Example:
        >>> from adaptive_diffusion.rules.pace import Threshold
        >>> Threshold(threshold=float("nan"))
        Traceback (most recent call last):
        ...
        ValueError: Threshold: threshold=nan is not a number; give it a value
    """

    __match_args__: tuple[str, ...] = ()

    def __new__(cls, *arguments: Any, **named: Any) -> Self:
        for name, value in chain(zip(cls.__match_args__, arguments, strict=False), named.items()):
            values = value if isinstance(value, list | tuple) else [value]
            if any(isinstance(each, float) and math.isnan(each) for each in values):
                raise ValueError(f"{cls.__name__}: {name}={value} is not a number; give it a value")
        return super().__new__(cls)
