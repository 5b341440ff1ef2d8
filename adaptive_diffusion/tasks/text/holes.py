"""Open places of any text, and of Python source."""

import ast
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from adaptive_diffusion.tasks.editing import line_starts
from adaptive_diffusion.tasks.text.checkers import graded_text, parses_python
from adaptive_diffusion.tasks.text.corpora import Document
from adaptive_diffusion.tasks.text.infilling import Hole, HoleSource

Found = Mapping[str, Sequence[tuple[Document, Hole]]]

PER_HOLE = 64
"""Bytes of a document for each of its random spans."""

IDENTIFIER = 3, 24
LINE = 8, 64
SHARE = 0.9
"""Of the sequence a function may take, so that there are surroundings."""

EACH = 3
"""Most holes of a kind in one function."""


@dataclass(frozen=True)
class RandomSpans(HoleSource):
    """Spans of random length at random places; of a short document at most half is open.

    Attributes:
        shortest, longest: bytes of a span.

    Raises:
        ValueError: lengths below 1 or in the wrong order.
    """

    shortest: int = 4
    longest: int = 32

    def __post_init__(self) -> None:
        _check_lengths(self.shortest, self.longest)

    def holes(self, documents: Sequence[Document], length: int, rng: np.random.Generator) -> Found:
        found = []
        for document in documents:
            size = len(document.text)
            most = min(self.longest, length // 2, size // 2)
            for _ in range(max(1, size // PER_HOLE) if most >= self.shortest else 0):
                span = int(rng.integers(self.shortest, most + 1))
                start = int(rng.integers(size - span + 1))
                found += _hole(document, start, start + span, "span")
        return {"span": found}


@dataclass(frozen=True)
class LineEnds(HoleSource):
    """The ends of lines: from a random place within a line to its last character.

    Attributes:
        shortest, longest: bytes that are open.

    Raises:
        ValueError: lengths below 1 or in the wrong order.
    """

    shortest: int = 4
    longest: int = 64

    def __post_init__(self) -> None:
        _check_lengths(self.shortest, self.longest)

    def holes(self, documents: Sequence[Document], length: int, rng: np.random.Generator) -> Found:
        found = []
        for document in documents:
            for line in re.finditer(rb"[^\r\n]*[^\s]", document.text):
                most = min(self.longest, length // 2, len(line[0]) // 2)
                if most >= self.shortest:
                    start = line.end() - int(rng.integers(self.shortest, most + 1))
                    found += _hole(document, start, line.end(), "line end")
        return {"line end": found}


@dataclass(frozen=True)
class PythonFunctions(HoleSource):
    """In functions of Python source: identifiers that occur again in the function, and lines of its body; at most
    `EACH` of a kind from one function. A checker gets the function."""

    def holes(self, documents: Sequence[Document], length: int, rng: np.random.Generator) -> Found:
        found: dict[str, list[tuple[Document, Hole]]] = {kind: [] for kind in KINDS}
        for document in documents:
            for function in functions(document.text, int(length * SHARE)):
                for kind, every in KINDS.items():
                    choices = list(every(document.text, function))
                    chosen = rng.permutation(len(choices))[:EACH]
                    found[kind] += [(document, choices[index]) for index in chosen]
        return found


def _hole(document: Document, start: int, stop: int, kind: str) -> list[tuple[Document, Hole]]:
    """The hole with whole characters of UTF-8, unless it holds white space alone."""
    text = document.text
    while start > 0 and text[start] & 0xC0 == 0x80:
        start -= 1
    while stop < len(text) and text[stop] & 0xC0 == 0x80:
        stop += 1
    return [(document, Hole(start, stop, start, stop, kind))] if text[start:stop].strip() else []


def _check_lengths(shortest: int, longest: int) -> None:
    if not 1 <= shortest <= longest:
        raise ValueError(f"shortest={shortest} and longest={longest}: bytes of a span, at least 1 and in this order")


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
            if last - first <= longest and graded_text(parses_python, text[first:last]) == 1:
                yield first, last, node


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


KINDS = {"identifier": identifiers, "line": body_lines}
