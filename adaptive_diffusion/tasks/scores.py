"""The score of a checker that may be anybody's function."""

from collections.abc import Callable
from math import isfinite

UNREADABLE = (ValueError, SyntaxError, ArithmeticError)
"""What a checker raises for a text that it cannot read, as `float("")` does: the score is 0."""


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
