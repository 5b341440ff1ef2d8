"""Infilling problems made of documents: a `HoleSource` chooses where the gaps are."""

import zlib
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice, pairwise, zip_longest

import numpy as np

from adaptive_diffusion.tasks.text.corpora import Document
from adaptive_diffusion.tasks.text.infilling_problems import InfillingProblems, passage
from adaptive_diffusion.tasks.text.tokenizer import Tokenizer


@dataclass(frozen=True)
class Hole:
    """A place in a text: bytes `start` to `stop` are open, and `first` to `last` around them must fit the sequence and
    are what a checker gets; a hole that is `alone` needs no surroundings, and a checker gets all that fits."""

    start: int
    stop: int
    first: int
    last: int
    kind: str

    @property
    def alone(self) -> bool:
        return (self.first, self.last) == (self.start, self.stop)


class HoleSource(ABC):
    """A way to find places in documents that are to be written anew."""

    @abstractmethod
    def holes(
        self, documents: Sequence[Document], length: int, rng: np.random.Generator
    ) -> Mapping[str, Sequence[tuple[Document, Hole]]]:
        """Candidates by kind, for sequences of `length` tokens."""


def infilling(
    documents: Sequence[Document],
    sources: Sequence[HoleSource],
    tokenizer: Tokenizer,
    length: int,
    count: int,
    seed: int = 0,
) -> InfillingProblems | None:
    """At most `count` problems, the same number of each kind as long as there are more; None where there is not one."""
    rng = np.random.default_rng([seed, length])
    found: dict[str, Sequence[tuple[Document, Hole]]] = {}
    for source in sources:
        found |= source.holes(documents, length, rng)
    kinds = [_problems(holes, tokenizer, length, rng) for holes in found.values()]
    mixed = (problem for turn in zip_longest(*kinds) for problem in turn if problem is not None)
    problems = list(islice(mixed, count))
    return InfillingProblems.concatenate(problems) if problems else None


def _problems(
    holes: Sequence[tuple[Document, Hole]], tokenizer: Tokenizer, length: int, rng: np.random.Generator
) -> Iterator[InfillingProblems]:
    """The holes in random order, those that do not fit left out."""
    for index in rng.permutation(len(holes)):
        document, hole = holes[index]
        problem = infilling_problem(document.text, hole, tokenizer, length)
        if problem is not None:
            yield problem


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
    inner = left, left + len(head) + len(opened) + len(tail)
    scope = (0, sum(len(piece) for piece, _ in pieces)) if hole.alone else inner
    return passage(pieces, length, tokenizer.end, scope, surprise, hole.kind)


def added_bytes(before: bytes, hole: bytes, after: bytes) -> float:
    """By how many bytes a hole's text lengthens its compressed surroundings."""
    complete, without = (zlib.compress(part, 9) for part in (before + hole + after, before + after))
    return float(len(complete) - len(without))
