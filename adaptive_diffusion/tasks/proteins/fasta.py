"""FASTA files: every record is read as data and checked; bad records are named with their line."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from adaptive_diffusion.tasks.lines import BadLines, numbered_lines
from adaptive_diffusion.tasks.proteins.alphabet import BLANKS, RESIDUES, VOCABULARY, encode
from adaptive_diffusion.tasks.proteins.problems import stacked
from adaptive_diffusion.tasks.proteins.regions import NAMES, regions
from adaptive_diffusion.tasks.task import QueryFile

_SPAN = re.compile(r"(\d{1,6})-(\d{1,6})")
EDITS = ("rewrite", "revise")


@dataclass(frozen=True)
class Record:
    """A record of a FASTA file.

    Attributes:
        line: of its header, from 1.
        header: the text behind `>`.
        sequence: upper case, blanks as `_`.
    """

    line: int
    header: str
    sequence: str

    def field(self, name: str) -> str:
        """The value of `name=value` in the header; empty where it has none."""
        return next((word[len(name) + 1 :] for word in self.header.split() if word.startswith(f"{name}=")), "")


def read_records(path: Path, longest: int, bad: BadLines) -> list[Record]:
    """The sound records of a file, plain or compressed by gzip; what is wrong with the others is added to `bad`."""
    found = []
    for line, header, sequence in _records(path, bad):
        try:
            found.append(Record(line, header, checked(sequence, longest)))
        except ValueError as error:
            bad.add(line, str(error))
    return found


def checked(sequence: str, longest: int) -> str:
    """The sequence in upper case with `_` for blanks and without the final stop `*`.

    Raises:
        ValueError: no residue, a sign that is neither residue nor blank, or more residues than `longest`.
    """
    written = "".join("_" if sign in BLANKS else sign for sign in sequence.upper().removesuffix("*"))
    for place, sign in enumerate(written, start=1):
        if sign not in RESIDUES and sign != "_":
            raise ValueError(
                f"residue {place} is {sign!r}; write one of the 20 residues {RESIDUES}, or _ for one to be written"
            )
    if not written:
        raise ValueError("the record has no residues; write them on the lines below its header")
    if len(written) > longest:
        raise ValueError(
            f"{len(written)} residues, and the task has room for {longest}; shorten the sequence to its variable "
            "domain, or use a larger task.length"
        )
    return written


def read_queries(path: Path, length: int, skip_bad: bool = False) -> QueryFile:
    """The queries of a FASTA file: blanks are written, and so is what the header names, as in `>a rewrite=cdr3,30-35`.

    `rewrite=` opens regions (fr1 to fr4, cdr1 to cdr3) or spans of residues, counted from 1; `revise=` lets their
    residues stand at first, and `revise=all` every residue. A record that names nothing and has no blank is repaired.

    Raises:
        ValueError: no text file, a file without a sound record, and, unless `skip_bad`, bad records.
    """
    bad = BadLines(path)
    rows, families = [], []
    for record in read_records(path, length, bad):
        try:
            rows.append(_row(record, length))
            families.append(record.field("v"))
        except ValueError as error:
            bad.add(record.line, str(error))
    if not rows:
        raise ValueError(f"{path} holds no sequence to write to{bad.listing()}")
    skipped = tuple(map(str, bad.settled(skip_bad, "records")))
    return QueryFile(stacked(rows, families), skipped)


def spans_of(edit: str, sequence: str) -> Iterator[tuple[int, int]]:
    """The spans that a list such as `cdr3,30-35` names, from 0 on.

    Raises:
        ValueError: a region that is not found, a span outside the sequence, or neither of both.
    """
    for part in edit.split(","):
        if part == "all":
            yield 0, len(sequence)
        elif part.lower() in NAMES:
            known = regions(sequence)
            if part.lower() not in known:
                raise ValueError(f"{part} is not found in the sequence; give positions instead, such as 99-110")
            yield known[part.lower()]
        elif found := _SPAN.fullmatch(part):
            first, last = int(found[1]), int(found[2])
            if not 1 <= first <= last <= len(sequence):
                raise ValueError(f"{part} lies outside the sequence of {len(sequence)} residues; count from 1")
            yield first - 1, last
        else:
            raise ValueError(f"{part!r} names no region or span; write one of {', '.join(NAMES)}, or FIRST-LAST")


def loop_of(sequence: str, length: int) -> np.ndarray:
    """bool [L], the third complementarity-determining region; all false where it is not found."""
    start, stop = regions(sequence).get("cdr3", (0, 0))
    inside = np.zeros(length, bool)
    inside[start:stop] = True
    return inside


def _row(record: Record, length: int) -> tuple:
    sequence = record.sequence
    clean = encode(sequence, length)
    blank = clean == VOCABULARY
    editable, drafted = blank.copy(), np.zeros(length, bool)
    for edit in EDITS:
        if named := record.field(edit):
            for start, stop in spans_of(named, sequence):
                editable[start:stop] = True
                drafted[start:stop] |= edit == "revise"
    if not editable.any():
        editable[: len(sequence)] = drafted[: len(sequence)] = True
    drafted &= ~blank
    return clean, editable, drafted, clean, np.array(False), loop_of(sequence, length)


def _records(path: Path, bad: BadLines) -> Iterator[tuple[int, str, str]]:
    start, header, parts = 0, "", []
    for number, line in numbered_lines(path, bad):
        text = line.strip()
        if text.startswith(">"):
            if start:
                yield start, header, "".join(parts)
            start, header, parts = number, text[1:].strip(), []
        elif text and not start:
            bad.add(number, "residues before the first header; begin the record with a line such as >name")
            start, header, parts = 0, "", []
        elif text and not text.startswith(";"):
            parts.append("".join(text.split()))
    if start:
        yield start, header, "".join(parts)
