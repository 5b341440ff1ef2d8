"""The port for editing: how a file and its changes become a query, and an answer the changed file."""

import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np

BYTES = re.compile(r"(\d+):(\d+)(?:=(\d+))?")
LINES = re.compile(r"(\d+)-(\d+)(?:=(\d+))?")
INSERTION = re.compile(r"(\d+|start|end)\+(\d+)")


@dataclass(frozen=True)
class Change:
    """Bytes `start` to `stop` of a file give way to `count` open tokens (None: as many as they have now).

    With `revise` the present tokens stand at first, and a sampler that remasks changes the tokens that it takes
    back. `named` is how it was asked for.
    """

    start: int
    stop: int
    count: int | None = None
    revise: bool = False
    named: str = field(default="", compare=False)

    @property
    def name(self) -> str:
        """How it was asked for, such as "lines 3-4"; by its bytes where that is not given."""
        return self.named or f"bytes {self.start}:{self.stop}"

    @staticmethod
    def insert(at: int, count: int) -> "Change":
        """`count` tokens before byte `at`: 0 writes a beginning for what follows, the file's length an ending."""
        return Change(at, at, count)

    @staticmethod
    def delete(start: int, stop: int) -> "Change":
        """Bytes that go without replacement."""
        return Change(start, stop, 0)


@dataclass(frozen=True)
class EditSpec:
    """Changes as a command line has them: spans `START:STOP` in bytes or `FIRST-LAST` in lines, their ends included,
    with `=COUNT` for another number of tokens, and insertions `AT+COUNT`."""

    rewrite: Sequence[str] = ()
    revise: Sequence[str] = ()
    insert: Sequence[str] = ()
    delete: Sequence[str] = ()

    def changes(self, content: bytes) -> list[Change]:
        """The changes of a file.

        Raises:
            ValueError: one that cannot be read, lines that the file does not have, or a byte within a character.
        """
        made = [Change(*span_of(span, content), named=span_name(span)) for span in self.rewrite]
        made += [Change(*span_of(span, content)[:2], revise=True, named=span_name(span)) for span in self.revise]
        made += [Change.delete(*span_of(span, content)[:2]) for span in self.delete]
        made += [insertion_of(insertion, content) for insertion in self.insert]
        for change in made:
            check_boundary(change.start, content)
            check_boundary(change.stop, content)
        return made


@dataclass(frozen=True)
class OpenSpan:
    """Editable positions that belong together: those of one change.

    Attributes:
        name: for people, in the words of the change, such as "lines 3-4".
        positions: of the sequence, ascending.
    """

    name: str
    positions: tuple[int, ...]


def no_violation(answer: Sequence[int]) -> str | None:
    """Where a task has no rule for an answer by itself."""
    return None


@dataclass(frozen=True)
class Draft:
    """A file under edit as one query.

    Attributes:
        tokens: int64 [L], what the file holds; anything at positions that are to be written anew.
        editable: bool [L], where the sampler may write.
        drafted: bool [L], editable positions whose present token stands at first.
        content: the file with what an answer [L] holds.
        spans: the editable positions by the changes that open them; without any, they are shown by their runs.
        violation: which rule of the task the file with an answer [L] breaks, in words; None where it breaks none.
    """

    tokens: np.ndarray
    editable: np.ndarray
    drafted: np.ndarray
    content: Callable[[Sequence[int]], bytes]
    spans: tuple[OpenSpan, ...] = ()
    violation: Callable[[Sequence[int]], str | None] = field(default=no_violation)


class Editor(ABC):
    """How the files of a task are edited. A task gives one as `Task.editor`."""

    @abstractmethod
    def draft(self, content: bytes, spec: EditSpec) -> Draft:
        """The query of changes to a file.

        Raises:
            ValueError: changes that cannot be made, or a file that is none of the task's.
        """


@dataclass(frozen=True)
class SymbolEditor(Editor):
    """For tasks whose files show each position as one character, in order: a grid, a row of digits. Characters that are
    neither a symbol nor a blank, such as line ends and rules, stay as they are. Blanks are always open.

    Attributes:
        symbols: `symbols[token]` is the character of a token.
        length: L, positions of the sequence.
        blanks: characters of a position that is open.
        violation: as `Task.violation`.
    """

    symbols: Sequence[str]
    length: int
    blanks: str = "."
    violation: Callable[[Sequence[int]], str | None] = field(default=no_violation)

    def draft(self, content: bytes, spec: EditSpec) -> Draft:
        text = content.decode("utf-8", "surrogateescape")
        begins = np.cumsum([0, *(len(character.encode("utf-8", "surrogateescape")) for character in text)])
        token_of = {symbol: token for token, symbol in enumerate(self.symbols)}
        places = [place for place, shown in enumerate(text) if shown in token_of or shown in self.blanks]
        if len(places) != self.length:
            raise ValueError(f"the file shows {len(places)} positions, a sequence has {self.length}")
        tokens = np.array([token_of.get(text[place], 0) for place in places])
        blank = np.array([text[place] not in token_of for place in places])
        editable, drafted, spans = blank.copy(), np.zeros(self.length, bool), []
        others = blank.copy()
        for change in ordered(content, spec.changes(content)):
            if change.count is not None:
                raise ValueError(
                    "every position has one character here: rewrite and revise, but insert or delete nothing"
                )
            within = np.array([change.start <= begins[place] < change.stop for place in places])
            spans.append(OpenSpan(change.name, tuple(np.flatnonzero(within).tolist())))
            others &= ~within
            editable |= within
            drafted |= within & ~blank & change.revise
        if not editable.any():
            raise ValueError("the changes leave nothing to write; name a span that shows a position")

        def changed(answer: Sequence[int]) -> bytes:
            written = list(text)
            for place, token, is_open in zip(places, answer, editable, strict=True):
                if is_open:
                    known = 0 <= token < len(self.symbols)
                    written[place] = self.symbols[token] if known else self.blanks[0]
            return "".join(written).encode("utf-8", "surrogateescape")

        spans.append(OpenSpan("blanks", tuple(np.flatnonzero(others).tolist())))
        opened = tuple(span for span in spans if span.positions)
        return Draft(tokens, editable, drafted, changed, opened, self.violation)


def span_of(span: str, content: bytes) -> tuple[int, int, int | None]:
    """First byte, the byte after the last, and the count of tokens if one is given.

    Raises:
        ValueError: neither form, or lines that the file does not have.
    """
    if found := BYTES.fullmatch(span):
        start, stop = int(found[1]), int(found[2])
    elif found := LINES.fullmatch(span):
        begins, first, last = line_starts(content), int(found[1]), int(found[2])
        if not first:
            raise ValueError(f"{span!r} begins at line 0, but lines are counted from 1")
        if last < first:
            raise ValueError(f"line {first} stands behind line {last}; write {last or 1}-{first}")
        if last >= len(begins):
            raise ValueError(f"lines {span} are not in the text, which has {len(begins) - 1}")
        start, stop = begins[first - 1], begins[last]
    else:
        raise ValueError(f"{span!r} is no span: write START:STOP in bytes or FIRST-LAST in lines, =COUNT behind it")
    return start, stop, None if found[3] is None else int(found[3])


def span_name(span: str) -> str:
    """A span of a command for people: "bytes 120:180", "line 3" or "lines 3-4"."""
    bounds = span.partition("=")[0]
    first, _, last = bounds.partition("-")
    return f"bytes {bounds}" if not last else f"line {first}" if first == last else f"lines {bounds}"


def check_boundary(at: int, content: bytes) -> None:
    """Raises ValueError where byte `at` of a text in UTF-8 lies within a character, half of which would be left."""
    try:
        content.decode()
    except UnicodeDecodeError:
        return  # bytes of another kind have no such boundaries
    low = high = at
    while low < len(content) and 0x80 <= content[low] < 0xC0:  # a byte that goes on with a character
        low -= 1
    while high < len(content) and 0x80 <= content[high] < 0xC0:
        high += 1
    if low < high:
        raise ValueError(f"byte {at} lies within a character of the text; the nearest boundaries are {low} and {high}")


def insertion_of(insertion: str, content: bytes) -> Change:
    """A change from `AT+COUNT`.

    Raises:
        ValueError: another form.
    """
    found = INSERTION.fullmatch(insertion)
    if found is None:
        raise ValueError(f"{insertion!r} is no insertion: write AT+COUNT, AT a byte, start or end, COUNT in tokens")
    ends = {"start": 0, "end": len(content)}
    at, name = (ends[found[1]], f"the {found[1]}") if found[1] in ends else (int(found[1]), f"byte {found[1]}")
    return Change(at, at, int(found[2]), named=f"inserted at {name}")


def line_starts(content: bytes) -> list[int]:
    """The first byte of every line, and of what would follow the last."""
    starts = [0, *(match.end() for match in re.finditer(rb"\r\n|\r|\n", content))]
    return starts if starts[-1] == len(content) else [*starts, len(content)]


def ordered(content: bytes, changes: Iterable[Change]) -> list[Change]:
    """The changes by their places.

    Raises:
        ValueError: no change, one outside the file or of a negative count, two that overlap.
    """
    found = sorted(changes, key=lambda change: (change.start, change.stop))
    if not found:
        raise ValueError("nothing is to be changed; name a place with --rewrite, --revise, --insert or --delete")
    for change in found:
        if not 0 <= change.start <= change.stop <= len(content):
            raise ValueError(f"the span {change.start}:{change.stop} is not in the text of {len(content)} bytes")
        if change.count is not None and change.count < 0:
            raise ValueError(f"{change.count} tokens cannot be written; use 0 to delete")
    for one, other in pairwise(found):
        if other.start < one.stop:
            raise ValueError(f"the spans {one.start}:{one.stop} and {other.start}:{other.stop} overlap; make them one")
    return found
