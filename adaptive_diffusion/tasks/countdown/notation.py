"""How one line of text writes a problem: numbers, target, and perhaps a derivation."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from adaptive_diffusion.tasks.countdown.board import SIGNS

FORMS = (
    'write {"input": "86,28,13,31,96"} with the target as the last number, {"nums": [86, 28, 13, 31], "target": 96}, '
    "or 86,28,13,31,96"
)
PLAIN_SIGNS = str.maketrans("-*/xX·:", "−×÷×××÷")
CORRECT = "correct it, or leave the derivation out"
MOST_DIGITS = 9
NUMBERS, TARGETS = ("input", "nums", "numbers"), ("target",)
DERIVATIONS = ("output", "solution", "answer")

Equation = tuple[int, int, int, int]


@dataclass(frozen=True)
class Entry:
    """A problem as a file writes it: `numbers`, `target`, and its `equations` (a, sign, b, c), empty where the file has
    no derivation."""

    numbers: tuple[int, ...]
    target: int
    equations: tuple[Equation, ...] = ()


def parse(text: str, count: int) -> Entry:
    """The problem of a line with `count` numbers.

    An object has the numbers under `input`, `nums` or `numbers`, as a list or as text with commas. The target stands
    under `target`, is the last number, or is the last result under `output`. A derivation stands under `output`,
    `solution` or `answer`, as equations with commas or a list of them. A line that is no object is numbers, the target
    last.

    Raises:
        ValueError: anything else, with the reason and the remedy.
    """
    text = text.strip()
    if not text.startswith("{"):
        return _entry(integers(text), None, (), count)
    try:
        row = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"this is no JSON object ({error}); {FORMS}") from error
    if not (key := _key(row, NUMBERS)):
        raise ValueError(f"there are no numbers, its fields are {', '.join(map(repr, row)) or 'none'}; {FORMS}")
    output = row.get(_key(row, DERIVATIONS))
    found = equations(output) if output is not None else ()
    target = row.get(_key(row, TARGETS))
    stated = whole_number(target) if target is not None else None
    last = found[-1][3] if found else _lone_number(output)
    return _entry(integers(row[key]), last if stated is None else stated, found, count)


def _entry(given: tuple[int, ...], target: int | None, found: tuple[Equation, ...], count: int) -> Entry:
    if len(given) == count + 1 and target in (None, given[-1]):
        return Entry(given[:-1], given[-1], found)
    if len(given) == count and target is not None:
        return Entry(given, target, found)
    expected = f"{count} numbers and a target"
    if len(given) == count + 1:
        raise ValueError(
            f"the last number is {given[-1]}, but the target is {target}; make the two agree, or leave one out"
        )
    if len(given) == count:
        raise ValueError(f"there are {count} numbers and no target; add it as the last number, or under 'target'")
    raise ValueError(f"{len(given)} numbers, where {expected} are needed; read it as the task with that many numbers")


def integers(found: Any) -> tuple[int, ...]:
    """Whole numbers from a list, or from text with commas or spaces.

    Raises:
        ValueError: anything else.
    """
    match found:
        case str():
            return tuple(whole_number(word) for word in found.replace(",", " ").split())
        case list():
            return tuple(whole_number(word) for word in found)
        case _:
            raise ValueError(f"{found!r:.40} are no numbers; {FORMS}")


def equations(found: Any) -> tuple[Equation, ...]:
    """The equations of a derivation, a list of texts or one text with commas; none where it is a lone number.

    Raises:
        ValueError: what is no equation such as 86+28=114, or a false one.
    """
    match found:
        case list():
            parts = [str(part) for part in found]
        case str():
            parts = [part for part in found.replace("\n", ",").split(",") if part.strip()]
        case _:
            parts = []
    return () if _lone_number(found) is not None else tuple(_equation(part) for part in parts)


def _equation(text: str) -> Equation:
    left, equals, right = "".join(text.split()).translate(PLAIN_SIGNS).partition("=")
    signs = [sign for sign in SIGNS if sign in left]
    if not equals or len(signs) != 1:
        raise ValueError(f"{text.strip()!r:.40} is no equation; write such as 86+28=114")
    a, b = (whole_number(operand) for operand in left.split(signs[0], 1))
    sign, c = SIGNS.index(signs[0]), whole_number(right)
    if not (a + b == c, a - b == c, a * b == c, b * c == a and b > 0)[sign]:
        raise ValueError(f"{text.strip()} is false; {CORRECT}")
    return a, sign, b, c


def whole_number(found: Any) -> int:
    """A whole number from 0 on.

    Raises:
        ValueError: anything else, or one of more than 9 digits.
    """
    text = str(found).strip()
    if isinstance(found, bool) or not (text.isascii() and text.isdecimal()) or len(text) > MOST_DIGITS:
        raise ValueError(f"{text!r:.40} is no whole number of at most {MOST_DIGITS} digits; {FORMS}")
    return int(text)


def _lone_number(found: Any) -> int | None:
    text = str(found).strip()
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= MOST_DIGITS else None


def _key(row: Mapping[str, Any], names: tuple[str, ...]) -> str:
    return next((name for name in names if name in row), "")
