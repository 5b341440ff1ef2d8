"""DIMACS files of one or more formulas: every line is read as data, every formula is solved; bad lines are named."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch

from adaptive_diffusion.tasks.lines import BadLines, numbered_lines
from adaptive_diffusion.tasks.satisfiability.dimacs import FORM, Entry, header
from adaptive_diffusion.tasks.satisfiability.formulas import WIDTH, Formulas, Size
from adaptive_diffusion.tasks.satisfiability.solver import first_assignment
from adaptive_diffusion.tasks.task import QueryFile


def read_formulas(path: Path, size: Size, skip_bad: bool = False) -> QueryFile:
    """The formulas of a DIMACS file, plain or compressed by gzip; each begins with a line `p cnf`.

    A formula may have fewer variables and clauses than the task, and clauses of one or two literals. Comments (`c`) are
    passed over, and so is what follows a line `%`, with which SATLIB ends a formula.

    Raises:
        ValueError: a path that is no text file, a file without a formula, and, unless ``skip_bad``, bad lines and
            formulas that no assignment satisfies.
        ModuleNotFoundError: python-sat is not installed.
    """
    bad = BadLines(Path(path))
    found = []
    for entry in entries_of(bad, size):
        clauses = as_array(entry, size)
        assignment = first_assignment(clauses, size.variables)
        if assignment is None:
            bad.add(entry.line, "no assignment satisfies the formula that begins here; leave it out")
        else:
            found.append((clauses, assignment))
    if not found:
        raise ValueError(f"{path} holds no formula that can be satisfied{bad.listing()}")
    if bad.found and not skip_bad:
        raise ValueError(f"{path} has bad lines, `--skip-bad` goes on without their formulas{bad.listing()}")
    clauses, assignments = (torch.from_numpy(np.stack(column)) for column in zip(*found, strict=True))
    return QueryFile(Formulas(clauses, assignments), tuple(map(str, bad.found)))


def entries_of(bad: BadLines, size: Size) -> Iterator[Entry]:
    """The formulas of a file that could be read; the first fault of each of the others is added to ``bad``."""
    entry: Entry | None = None
    passing_over = False
    for number, line in numbered_lines(bad.path, bad):
        words = line.split()
        if not words or words[0].startswith("c"):
            continue
        if words[0] == "p":
            yield from finished(entry, bad)
            entry, passing_over = begun(number, words, size, bad), False
        elif words[0] == "%":
            passing_over = True
        elif not passing_over:
            if entry is None:
                bad.add(number, f"{words[0]!r:.20} stands before any header; {FORM}")
                passing_over = True
            elif not entry.spoiled:
                read_on(entry, number, words, bad)
    yield from finished(entry, bad)


def begun(number: int, words: list[str], size: Size, bad: BadLines) -> Entry:
    """The formula that a header begins; a spoiled one where the header is bad."""
    try:
        return header(number, words, size)
    except ValueError as error:
        bad.add(number, str(error))
        return Entry(number, 0, 0, spoiled=True)


def read_on(entry: Entry, number: int, words: list[str], bad: BadLines) -> None:
    """A line of a formula."""
    try:
        entry.read(words)
    except ValueError as error:
        bad.add(number, str(error))
        entry.spoiled = True


def finished(entry: Entry | None, bad: BadLines) -> Iterator[Entry]:
    """The formula, if it is complete."""
    if entry is None or entry.spoiled:
        return
    try:
        entry.finish()
    except ValueError as error:
        bad.add(entry.line, str(error))
    else:
        yield entry


def as_array(entry: Entry, size: Size) -> np.ndarray:
    """Clauses in order, int64 [m, 3], zeros where there is nothing."""
    clauses = np.zeros((size.clauses, WIDTH), dtype=np.int64)
    ordered = sorted(entry.clauses, key=lambda clause: ([abs(literal) for literal in clause], clause))
    for row, clause in zip(clauses, ordered, strict=False):
        row[: len(clause)] = clause
    return clauses
