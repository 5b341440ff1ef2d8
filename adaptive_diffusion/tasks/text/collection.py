"""Documents deduplicated, split, and known by one hash."""

import hashlib
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate, groupby
from typing import Any

from adaptive_diffusion.tasks.splits import SPLITS
from adaptive_diffusion.tasks.text.corpora import Corpus, Document

HELD_OUT = 0.05
"""The share of all bytes that validation and test take each."""

LARGEST_GROUP = 0.4
"""A group that would take more than this of a held-out part is for training, so that no part is a single module."""

FEW, PIECES = 50, 64
"""A corpus of fewer groups is cut into so many pieces a document, each a group of its own."""

SHORTEST_LINE = 16
MOST_SHARED = 0.5


@dataclass(frozen=True)
class Collection:
    """A corpus by split. Exact duplicates (white space aside) count once. Groups of documents, in the order of the
    hashes of their names, fill test and validation and then training. A held-out document of whose longer lines more
    than half stand in training documents too is left out.

    Raises:
        ValueError: a corpus that leaves a split empty.
    """

    corpus: Corpus

    @cached_property
    def everything(self) -> tuple[Document, ...]:
        """All documents, duplicates left out, long ones cut where there are few."""
        found = tuple(deduplicated(self.corpus.documents()))
        few = len({document.group for document in found}) < FEW
        return tuple(deduplicated(in_pieces(found))) if few else found

    @cached_property
    def digest(self) -> str:
        """SHA-256 over names and texts, in their order."""
        complete = hashlib.sha256()
        for document in self.everything:
            complete.update(hashlib.sha256(document.name.encode()).digest() + hashlib.sha256(document.text).digest())
        return complete.hexdigest()

    @cached_property
    def splits(self) -> dict[str, tuple[Document, ...]]:
        """Documents by the name of their split."""
        parts: dict[str, list[Document]] = {name: [] for name in SPLITS}
        where = split_of_groups(self.everything)
        for document in self.everything:
            parts[where[document.group]].append(document)
        seen = {line for document in parts["train"] for line in long_lines(document.text)}
        for name in SPLITS[1:]:
            parts[name] = [document for document in parts[name] if shared(document.text, seen) <= MOST_SHARED]
        if empty := [name for name in SPLITS if not parts[name]]:
            raise ValueError(
                f"the corpus has {len(self.everything)} documents and leaves {' and '.join(empty)} empty; use more text"
            )
        return {name: tuple(documents) for name, documents in parts.items()}

    def facts(self) -> dict[str, Any]:
        """What a manifest says of the data."""
        sizes = {name: sum(len(document.text) for document in part) for name, part in self.splits.items()}
        counts = {name: len(part) for name, part in self.splits.items()}
        return {**self.corpus.facts(), "corpus_sha256": self.digest, "bytes": sizes, "documents": counts}


def split_of_groups(documents: Sequence[Document]) -> dict[str, str]:
    """The split of every group: by the hash of its name, as far as the sizes allow."""
    sizes: Counter[str] = Counter()
    for document in documents:
        sizes[document.group] += len(document.text)
    room = HELD_OUT * sizes.total()
    taken, split = Counter(), {}
    for group in sorted(sizes, key=lambda name: hashlib.sha256(name.encode()).digest()):
        small = sizes[group] <= LARGEST_GROUP * room
        free = [name for name in SPLITS[1:] if taken[name] + sizes[group] / 2 < room]
        split[group] = min(free, key=lambda name: taken[name]) if small and free else "train"
        taken[split[group]] += sizes[group]
    return split


def in_pieces(documents: Sequence[Document]) -> Iterator[Document]:
    """Each document cut at line ends into about `PIECES` documents, each a group of its own."""
    for document in documents:
        lines, size = document.text.splitlines(keepends=True), max(1, len(document.text) // PIECES)
        begins = [total // size for total in accumulate(map(len, lines), initial=0)]
        for number, piece in groupby(zip(begins, lines, strict=False), key=lambda pair: pair[0]):
            name = f"{document.name}#{number}"
            yield Document(name, b"".join(line for _, line in piece), name)


def deduplicated(documents: Iterable[Document]) -> Iterable[Document]:
    """The first of each text, texts that differ in white space alone counting as one; empty ones are left out."""
    seen = set()
    for document in documents:
        form = hashlib.sha256(b" ".join(document.text.split())).digest()
        if form not in seen and document.text.strip():
            seen.add(form)
            yield document


def long_lines(text: bytes) -> set[bytes]:
    """The distinct lines of a text that say something: at least `SHORTEST_LINE` bytes without their indentation."""
    return {line for line in map(bytes.strip, re.split(rb"\r?\n", text)) if len(line) >= SHORTEST_LINE}


def shared(text: bytes, seen: set[bytes]) -> float:
    """The share of a text's long lines that are among those `seen`."""
    lines = long_lines(text)
    return len(lines & seen) / len(lines) if lines else 0.0
