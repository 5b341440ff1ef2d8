"""Checkers: how good an answer is, from 0 to 1.

A checker is any callable `checker(answer, row) -> float`: `answer` is the text that was written, `row` the row of the
data with its prompt under `row["prompt"]`, the reference under `row["answer"]`, and every other column. One of a user's
own is named in the config, from a module that `--allow-module` allows:

    checker: {_target_: my_checkers.close, _partial_: true}
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from functools import cache
from typing import Any

import regex

from adaptive_diffusion.tasks.scores import score_of

Row = Mapping[str, Any]
Checker = Callable[[str, Row], float]

LONGEST_MATCH = 1.0
"""Seconds after which a search by a regular expression counts as no match."""

# A comma stands before three digits and no more; a sign behind a digit joins the ends of a range.
_NUMBER = re.compile(
    r"(?<![\d.,])(?:(?<!\d)[-+])?(?:(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d*)?|\.\d+)(?:[eE][-+]?\d{1,4})?(?!,?\d)"
)


@dataclass(frozen=True)
class Exact:
    """1 where the answer is the reference, white space at both ends aside."""

    def __call__(self, answer: str, row: Row) -> float:
        return float(answer.strip() == row["answer"].strip())


@dataclass(frozen=True)
class Numeric:
    """1 where the answer is a number equal to the reference: `0.50` is `.5`, `1,000` is `1000`.

    Attributes:
        tolerance: the largest relative difference that still counts as equal.
    """

    tolerance: float = 0.0

    def __call__(self, answer: str, row: Row) -> float:
        found, wanted = number(answer), number(row["answer"])
        return float(abs(found - wanted) <= Decimal(self.tolerance) * abs(wanted))


@dataclass(frozen=True)
class LastNumber:
    """1 where the last number in the answer equals the last number in the reference, as in GSM8K (Cobbe et al. 2021,
    arXiv 2110.14168).

    Attributes:
        tolerance: the largest relative difference that still counts as equal.
    """

    tolerance: float = 0.0

    def __call__(self, answer: str, row: Row) -> float:
        found, wanted = ([*_NUMBER.finditer(text)] for text in (answer, row["answer"]))
        if not found or not wanted:
            return 0.0
        return Numeric(self.tolerance)(found[-1][0], {"answer": wanted[-1][0]})


@dataclass(frozen=True)
class Regex:
    """1 where the regular expression matches the answer from its beginning to its end.

    Attributes:
        pattern: the expression; None takes the row's column `pattern`, or its reference where there is no such column.

    Raises:
        ValueError: a pattern that is no regular expression.
    """

    pattern: str | None = None

    def __post_init__(self) -> None:
        if self.pattern is not None:
            compiled(self.pattern)

    def __call__(self, answer: str, row: Row) -> float:
        pattern = compiled(row.get("pattern", row["answer"]) if self.pattern is None else self.pattern)
        try:
            return float(pattern.fullmatch(answer, timeout=LONGEST_MATCH) is not None)
        except TimeoutError:  # the search is exponential in the length of some answers
            return 0.0


@dataclass(frozen=True)
class ScoreAnswer:
    """`score_answer` of a generator of reasoning-gym (the extra `reasoning-gym`).

    Attributes:
        generator: its name, such as `basic_arithmetic`.
    """

    generator: str

    def __call__(self, answer: str, row: Row) -> float:
        entry = {"question": row["prompt"], "answer": row["answer"], "metadata": row["metadata"]}
        return float(_score_function(self.generator)(answer, entry))


CHECKERS: Mapping[str, Checker] = {
    "exact": Exact(),
    "numeric": Numeric(),
    "last_number": LastNumber(),
    "regex": Regex(),
}


def graded(checker: Checker, answer: str, row: Row) -> float:
    """The score of an answer; 0 where the checker cannot read it.

    Raises:
        ValueError: a score outside 0..1, by the answer and the prompt; a column that the row does not have.
    """
    try:
        return score_of(
            lambda: checker(answer, row), lambda: f"the answer {answer!r:.80} to {row.get('prompt', '')!r:.80}"
        )
    except KeyError as error:
        raise ValueError(f"the checker needs {error}, and the row has {', '.join(row)}") from error


@cache
def _score_function(generator: str) -> Callable[..., float]:
    return reasoning_gym().get_score_answer_fn(generator)


def number(text: str) -> Decimal:
    """The number that a text is.

    Raises:
        ValueError: a text that is no number.
    """
    if not _NUMBER.fullmatch(stripped := text.strip()):
        raise ValueError(f"{text!r:.80} is no number")
    try:
        return Decimal(stripped.replace(",", ""))
    except InvalidOperation as error:
        raise ValueError(f"{text!r:.80} is no number") from error


def compiled(pattern: str) -> Any:
    """A regular expression.

    Raises:
        ValueError: a pattern that is none.
    """
    try:
        return regex.compile(pattern)
    except regex.error as error:
        raise ValueError(f"{pattern!r:.80} is no regular expression: {error}") from error


def reasoning_gym() -> Any:
    """The package.

    Raises:
        ModuleNotFoundError: the extra is not installed.
    """
    try:
        import reasoning_gym  # pyright: ignore[reportMissingImports]
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            "generators of reasoning-gym need its package: pip install 'adaptive-diffusion[reasoning-gym]'"
        ) from error
    return reasoning_gym
