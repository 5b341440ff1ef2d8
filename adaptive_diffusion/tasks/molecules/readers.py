"""Files of molecules with gaps: every line is read as data and checked; bad lines are named."""

import re
from collections.abc import Callable
from pathlib import Path

import numpy as np

from adaptive_diffusion.tasks.lines import BadLines, numbered_lines
from adaptive_diffusion.tasks.molecules.framing import Framing
from adaptive_diffusion.tasks.molecules.problems import MoleculeProblems
from adaptive_diffusion.tasks.molecules.tokenizer import SymbolTokenizer
from adaptive_diffusion.tasks.task import QueryFile

OPEN = re.compile(r"<\|(\d{1,6}|\*)\|>")
REST = "*"
FORMS = "mark what is to be written, <|5|> for 5 tokens or <|*|> at the end for as many as it becomes"


def read_molecules(
    path: Path,
    tokenizer: SymbolTokenizer,
    framing: Framing,
    length: int,
    drawn_length: Callable[[int, int], int],
    skip_bad: bool = False,
) -> QueryFile:
    """The molecules of a file, plain or compressed by gzip: a SMILES string a line, in which `<|5|>` stands for five
    tokens to be written and `<|*|>`, at the end, for the rest of the molecule. A line of `<|*|>` alone writes one anew.
    What follows the string behind a space is a name; lines that begin with `#` and a space are comments.

    Args:
        drawn_length: the length of the molecule on a line, at least so many tokens, where it has to be given.

    Raises:
        ValueError: no regular file, a file without a molecule, or, unless `skip_bad`, bad lines (the first are named).
    """
    bad, rows = BadLines(path), []
    for number, line in numbered_lines(path, bad):
        words = line.split()
        if not words or words[0] == "#":
            continue
        try:
            rows.append(_row(words[0], tokenizer, framing, length, lambda least, at=number: drawn_length(at, least)))
        except ValueError as error:
            bad.add(number, str(error))
    if not rows:
        what = bad.listing() or f"; {FORMS}"
        raise ValueError(f"{path} holds no molecule with a gap{what}")
    skipped = tuple(map(str, bad.settled(skip_bad)))
    tokens, editable, inside = map(list, zip(*rows, strict=True))
    problems = MoleculeProblems.of(tokens, editable, inside, False, ["query"] * len(rows))
    return QueryFile(problems, skipped)


def _row(
    text: str, tokenizer: SymbolTokenizer, framing: Framing, length: int, drawn_length: Callable[[int], int]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Tokens, editable and inside [L] of a line.

    Raises:
        ValueError: no gap, one of no token, a rest that is not at the end, a piece that is no token, or more
            tokens than there is room for.
    """
    parts = OPEN.split(text)
    marks = parts[1::2]
    if not marks:
        raise ValueError(f"nothing is open; {FORMS}")
    if REST in marks[:-1] or (marks[-1] == REST and parts[-1]):
        raise ValueError("<|*|> is not at the end; give the number of tokens, such as <|5|>")
    given = [tokenizer.encode(part.encode()) for part in parts[::2]]
    counts = [0 if mark == REST else int(mark) for mark in marks]
    if any(mark != REST and count == 0 for mark, count in zip(marks, counts, strict=True)):
        raise ValueError("<|0|> opens nothing; give at least 1 token, or leave the mark out")
    size = sum(map(len, given)) + sum(counts)
    if size + (marks[-1] == REST) > framing.room(length):
        raise ValueError(f"{size} tokens, and there is room for {framing.room(length)}; shorten the molecule")
    opened = size
    if marks[-1] == REST:
        counts[-1] = framing.open_rest(size, length, drawn_length(size + 1))
        opened = size + counts[-1]
    row = [(given[0], False)]
    for count, after in zip(counts, given[1:], strict=True):
        row += [(np.full(count, tokenizer.end), True), (after, False)]
    row.append((np.full(length - opened, tokenizer.end), False))
    editable = np.concatenate([np.full(len(piece), is_open) for piece, is_open in row])
    return np.concatenate([piece for piece, _ in row]), editable, np.arange(length) < opened
