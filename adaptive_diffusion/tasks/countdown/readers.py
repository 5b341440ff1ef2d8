"""Files of problems: every line is read as data, checked and solved; bad lines are named."""

from pathlib import Path

import torch

from adaptive_diffusion.tasks.countdown.board import SIGNS
from adaptive_diffusion.tasks.countdown.notation import CORRECT, Entry, parse
from adaptive_diffusion.tasks.countdown.problems import CountdownProblems, Limits
from adaptive_diffusion.tasks.countdown.solver import solve
from adaptive_diffusion.tasks.countdown.verifier import is_derivation
from adaptive_diffusion.tasks.lines import BadLines, numbered_lines
from adaptive_diffusion.tasks.task import QueryFile


def read_problems(path: Path, limits: Limits, skip_bad: bool = False) -> QueryFile:
    """The problems of a file, plain or compressed by gzip, one on each line in a form of `notation.parse`.

    A derivation that the file gives is verified; where it gives none, the solver's first one is the reference. Numbers
    may be as large as results.

    Raises:
        ValueError: a path that is no text file, a file without a problem, and, unless ``skip_bad``, bad lines.
    """
    bad = BadLines(Path(path))
    found = []
    for number, line in numbered_lines(bad.path, bad):
        if line.strip():
            try:
                found.append(checked(parse(line, limits.numbers), limits))
            except ValueError as error:
                bad.add(number, str(error))
    if not found:
        raise ValueError(f"{path} holds no problem{bad.listing()}")
    skipped = tuple(map(str, bad.settled(skip_bad)))
    numbers, targets, equations = map(torch.tensor, zip(*found, strict=True))
    return QueryFile(CountdownProblems(numbers, targets, equations), skipped)


def checked(entry: Entry, limits: Limits) -> tuple[list[int], int, list[list[int]]]:
    """Numbers, target and equations of a problem that can be solved within the limits.

    Raises:
        ValueError: a problem that cannot, or a derivation that is wrong.
    """
    numbers = sorted(entry.numbers, reverse=True)
    values = [*numbers, entry.target, *(value for a, _, b, c in entry.equations for value in (a, b, c))]
    if max(values) > limits.largest:
        raise ValueError(
            f"{max(values)} is larger than {limits.largest}, the largest number of this task; leave the problem out, "
            "or use a task whose task.largest is larger"
        )
    if min(numbers) < 1:
        raise ValueError("a number is 0; numbers begin at 1")
    given, target = torch.tensor([numbers]), torch.tensor([entry.target])
    if entry.equations:
        return numbers, entry.target, verified(entry, given, target, limits)
    derivations = solve(given, target, limits.largest)
    if not derivations.counts:
        raise ValueError(
            f"{entry.target} cannot be reached from {', '.join(map(str, numbers))} with results up to "
            f"{limits.largest}; correct the numbers or the target"
        )
    return numbers, entry.target, derivations.first[0].tolist()


def verified(entry: Entry, numbers: torch.Tensor, target: torch.Tensor, limits: Limits) -> list[list[int]]:
    """The equations of an entry; of a + b and a × b the larger number comes first.

    Raises:
        ValueError: equations that are no derivation, naming what is wrong.
    """
    equations = torch.tensor([entry.equations])
    if equations.shape[1] != limits.numbers - 1:
        raise ValueError(
            f"{equations.shape[1]} equations, where {limits.numbers} numbers need {limits.numbers - 1}; {CORRECT}"
        )
    if not is_derivation(equations, numbers, target, limits.largest):
        raise ValueError(f"its equations do not use every number once and end at {entry.target}; {CORRECT}")
    return [
        [max(a, b), sign, min(a, b), c] if SIGNS[sign] in "+×" else [a, sign, b, c] for a, sign, b, c in entry.equations
    ]
