"""Names and titles of the figures that a task measures: of its problems, and of answers to them."""

from dataclasses import dataclass
from typing import Literal, get_args

Headline = Literal["exact", "valid", "score"]
HEADLINES: tuple[str, ...] = get_args(Headline)


@dataclass(frozen=True)
class Difficulty:
    """One measure of how hard a problem is.

    Attributes:
        name: of the column, for instance `"moves"`.
        title: for axes and tables, for instance `"moves of the shortest solution"`.
        edges: the first value of each group of problems, ascending; None groups them by quarters.
        decimals: how many are shown.
    """

    name: str
    title: str
    edges: tuple[float, ...] | None = None
    decimals: int = 0


@dataclass(frozen=True)
class AnswerMeasure:
    """One figure of an answer that a task computes beside exact, valid and score.

    Attributes:
        name: of the column, for instance `"token_accuracy"`.
        title: for tables.
        percent: a share, shown in percent.
        decimals: how many are shown.
    """

    name: str
    title: str
    percent: bool = False
    decimals: int = 2
