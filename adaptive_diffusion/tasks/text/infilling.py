"""Code to be filled in: an identifier or a line of a function, in the surroundings it stands in."""

import ast
import re
import textwrap
import warnings
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from adaptive_diffusion.tasks.text.corpora import Document
from adaptive_diffusion.tasks.text.infilling_problems import InfillingProblems, passage
from adaptive_diffusion.tasks.text.tokenizer import Tokenizer

IDENTIFIER = 3, 24
LINE = 8, 64
SHARE = 0.9
"""Of the sequence a function may take, so that there are surroundings."""

EACH = 3
"""Most holes of a kind in one function."""


@dataclass(frozen=True)
class Hole:
    """A place in a text: bytes `start` to `stop` are open, and `first` to `last` must parse."""

    start: int
    stop: int
    first: int
    last: int
    kind: str


def parses(code: bytes) -> bool:
    """Whether it is Python, at any indentation. Nothing of it runs."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            ast.parse(textwrap.dedent(code.decode()))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return True


def infilling(
    documents: tuple[Document, ...], tokenizer: Tokenizer, length: int, count: int, seed: int = 0
) -> InfillingProblems:
    """`count` problems, half identifiers that occur elsewhere in the sequence, half lines of a function's body; at most
    `EACH` of a kind from one function.

    Raises:
        ValueError: documents with too few functions that parse and fit.
    """
    rng = np.random.default_rng([seed, length])
    holes: dict[str, list[tuple[Document, Hole]]] = {kind: [] for kind in HOLES}
    for document in documents:
        for function in functions(document.text, int(length * SHARE)):
            for kind, every in HOLES.items():
                choices = list(every(document.text, function))
                chosen = rng.permutation(len(choices))[:EACH]
                holes[kind] += [(document, choices[index]) for index in chosen]
    problems = [_some(found, tokenizer, length, count // 2 + count % 2, rng) for found in holes.values()]
    mixed = [problem for pair in zip(*problems, strict=False) for problem in pair][:count]
    if len(mixed) < count:
        raise ValueError(f"only {len(mixed)} problems of the {count} wanted; use more code or a longer sequence")
    return InfillingProblems.concatenate(mixed)


def _some(
    found: list[tuple[Document, Hole]], tokenizer: Tokenizer, length: int, count: int, rng: np.random.Generator
) -> list[InfillingProblems]:
    """The first `count` of the holes in random order whose functions fit the sequence."""
    problems: list[InfillingProblems] = []
    for index in rng.permutation(len(found)):
        if len(problems) == count:
            break
        problem = infilling_problem(found[index][0].text, found[index][1], tokenizer, length)
        problems += [] if problem is None else [problem]
    return problems


def functions(text: bytes, longest: int) -> Iterator[tuple[int, int, ast.AST]]:
    """First byte, the byte after the last, and the tree of every function of at most `longest` bytes that parses on
    its own."""
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError):
        return
    begins = line_starts(text)
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            assert node.end_lineno is not None
            first, last = begins[node.lineno - 1], begins[node.end_lineno]
            if last - first <= longest and parses(text[first:last]):
                yield first, last, node


def line_starts(text: bytes) -> list[int]:
    """The first byte of every line, and of what would follow the last."""
    starts = [0, *(match.end() for match in re.finditer(rb"\r\n|\r|\n", text))]
    return starts if starts[-1] == len(text) else [*starts, len(text)]


def identifiers(text: bytes, function: tuple[int, int, ast.AST]) -> Iterator[Hole]:
    """Names in a function that occur in it more than once."""
    first, last, tree = function
    begins = line_starts(text)
    names = [node for node in ast.walk(tree) if isinstance(node, ast.Name)]
    for node in names:
        size, twice = len(node.id.encode()), sum(other.id == node.id for other in names) > 1
        if IDENTIFIER[0] <= size <= IDENTIFIER[1] and twice:
            start = begins[node.lineno - 1] + node.col_offset
            yield Hole(start, start + size, first, last, "identifier")


def body_lines(text: bytes, function: tuple[int, int, ast.AST]) -> Iterator[Hole]:
    """Lines of a function below its first, without indentation and comments alone."""
    first, last, _ = function
    for match in re.finditer(rb"(?m)^[ \t]+([^\s#][^\r\n]*)$", text[first:last]):
        start, stop = match.span(1)
        if start > 0 and LINE[0] <= stop - start <= LINE[1] and b"\n" in text[first : first + start]:
            yield Hole(first + start, first + stop, first, last, "line")


HOLES = {"identifier": identifiers, "line": body_lines}


def infilling_problem(text: bytes, hole: Hole, tokenizer: Tokenizer, length: int) -> InfillingProblems | None:
    """The problem in as much of its surroundings as fits; None where the function itself does not."""
    marks = [0, hole.first, hole.start, hole.stop, hole.last, len(text)]
    before, head, opened, tail, after = (tokenizer.encode(text[one:other]) for one, other in pairwise(marks))
    room = length - len(head) - len(opened) - len(tail)
    if room < 0 or not len(opened):
        return None
    after = np.append(after, tokenizer.end)
    left = min(len(before), max(room // 2, room - len(after)))
    before, after = before[len(before) - left :], after[: room - left]
    surroundings = tokenizer.decode(before) + text[hole.first : hole.start], tokenizer.decode(after)
    surprise = added_bytes(surroundings[0], text[hole.start : hole.stop], text[hole.stop : hole.last] + surroundings[1])
    pieces = [(before, False), (head, False), (opened, True), (tail, False), (after, False)]
    scope = left, left + len(head) + len(opened) + len(tail)
    return passage(pieces, length, tokenizer.end, scope, surprise, hole.kind)


def added_bytes(before: bytes, hole: bytes, after: bytes) -> float:
    """By how many bytes a hole's text lengthens its compressed surroundings."""
    whole, without = (zlib.compress(part, 9) for part in (before + hole + after, before + after))
    return float(len(whole) - len(without))
