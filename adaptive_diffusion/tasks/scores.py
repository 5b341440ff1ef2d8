"""Checkers by name, and the score of one that may be anybody's function."""

from collections.abc import Callable, Mapping
from math import isfinite
from typing import TypeVar

CheckerType = TypeVar("CheckerType", bound=Callable[..., float])

UNREADABLE = (ValueError, SyntaxError, ArithmeticError)
"""What a checker raises for a text that it cannot read, as `float("")` does: the score is 0."""


def named_checker(named: str | CheckerType, known: Mapping[str, CheckerType], example: str) -> CheckerType:
    """The checker of a name; a callable is one already.

    Args:
        named: the name or the checker.
        known: checkers by their names.
        example: the import path of somebody's own function, for the message.

    Raises:
        ValueError: another name.
    """
    if callable(named):
        return named
    if named not in known:
        raise ValueError(
            f"there is no checker {named!r}; name one of {', '.join(known)}, or a function of your own: "
            f"{{_target_: {example}, _partial_: true}}"
        )
    return known[named]


def score_of(check: Callable[[], float], subject: Callable[[], str]) -> float:
    """The score that a checker gives; 0 where it cannot read the text.

    Args:
        check: calls the checker.
        subject: describes what is checked, for messages.

    Raises:
        ValueError: a score outside 0..1.
    """
    try:
        score = check()
    except UNREADABLE:
        return 0.0
    if not (isinstance(score, int | float) and isfinite(score) and 0 <= score <= 1):
        raise ValueError(f"the checker gave {score!r} for {subject()}; a score is a number in 0..1")
    return float(score)
