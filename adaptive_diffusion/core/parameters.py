"""Refusal of parameters that no rule can use."""

import math
from collections.abc import Sequence
from dataclasses import fields, is_dataclass
from itertools import chain
from types import NoneType, UnionType
from typing import Any, Self, get_args


def check_steps(steps: int, problem: str) -> None:
    """Refuses a number of steps below 1.

    Raises:
        ValueError: fewer than one step; the message says which problem that is.
    """
    if steps < 1:
        raise ValueError(f"steps={steps} {problem}; use at least 1")


def check_probability(value: float, name: str = "threshold") -> None:
    """Refuses a bound on probabilities that none of them can be compared with, such as 95 for 95%.

    Raises:
        ValueError: a value outside [0, 1].
    """
    if not 0 <= value <= 1:
        raise ValueError(f"{name}={value} is no probability; use one from 0 to 1, such as 0.9")


def check_value(owner: str, name: str, value: Any, annotation: Any) -> None:
    """Refuses a setting of `owner` that is not of its kind, where its annotation is `float`, `int`, `bool`, `str`, or
    one of them or None: YAML reads 5 as a number, and an override on the command line reads `no` as text.

    Raises:
        ValueError: naming owner, setting and value.
    """
    kinds = get_args(annotation) if isinstance(annotation, UnionType) else (annotation,)
    wanted = [kind for kind in kinds if kind is not NoneType]
    if wanted not in ([int], [float], [bool], [str]) or (value is None and NoneType in kinds):
        return
    text, truth, listed = isinstance(value, str), isinstance(value, bool), isinstance(value, list | tuple | dict)
    number = isinstance(value, int | float) and not truth
    whole = not isinstance(value, float) or value.is_integer()
    broken, needed = {
        int: (text or truth or not whole, "no whole number; give one"),
        float: (text or truth, "no number; give one"),
        bool: (text or number, "neither true nor false; write true or false"),
        str: (number or truth, "no text; put it in quotes"),
    }[wanted[0]]
    if broken or value is None or listed:
        raise ValueError(f"{owner}: {name}={value!r} is {needed}")


def two_numbers(owner: str, name: str, values: Any, annotation: Any, example: str) -> Sequence[Any]:
    """The two values of a setting of `owner`, such as a range, each as `check_value` wants it.

    Raises:
        ValueError: something else than two of them; the message has the example.
    """
    if isinstance(values, str) or not isinstance(values, Sequence) or len(values) != 2:
        raise ValueError(f"{name}={values!r} is not two numbers; give both, such as {name}={example}")
    for value in values:
        check_value(owner, name, value, annotation)
    return values


class Parameters:
    """Mix-in for records of settings: an argument that is NaN, alone or in a list, is refused when one is made, and so
    is one that is no number where the field is one.

    NaN is neither above nor below a threshold, so a rule with such a setting would run and never act.

    Raises:
        ValueError: an argument that is NaN or not the number that is needed; the message names it.

    Example:
        >>> from adaptive_diffusion.rules.pace import Threshold
        >>> Threshold(threshold=float("nan"))
        Traceback (most recent call last):
        ...
        ValueError: Threshold: threshold=nan is not a number; give it a value
    """

    __match_args__: tuple[str, ...] = ()

    def __new__(cls, *arguments: Any, **named: Any) -> Self:
        annotations = {field.name: field.type for field in fields(cls)} if is_dataclass(cls) else {}
        for name, value in chain(zip(cls.__match_args__, arguments, strict=False), named.items()):
            values = value if isinstance(value, list | tuple) else [value]
            if any(isinstance(each, float) and math.isnan(each) for each in values):
                raise ValueError(f"{cls.__name__}: {name}={value} is not a number; give it a value")
            check_value(cls.__name__, name, value, annotations.get(name))
        return super().__new__(cls)
