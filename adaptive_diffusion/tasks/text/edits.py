"""What is to become of a text: spans kept to the byte, written anew, revised, inserted or deleted."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from adaptive_diffusion.tasks.text.tokenizer import Tokenizer


@dataclass(frozen=True)
class Change:
    """Bytes `start` to `stop` of a text give way to `count` open tokens (None: as many as they have now).

    With `revise` the present tokens stand at first, and a sampler that takes tokens back changes what it doubts.
    """

    start: int
    stop: int
    count: int | None = None
    revise: bool = False

    @staticmethod
    def insert(at: int, count: int) -> "Change":
        """`count` tokens before byte `at`: 0 writes a beginning for what follows, the text's length an ending."""
        return Change(at, at, count)

    @staticmethod
    def delete(start: int, stop: int) -> "Change":
        """Bytes that go without replacement."""
        return Change(start, stop, 0)


@dataclass(frozen=True)
class EditLayout:
    """A text under change, as tokens: only as much of what is kept as fits.

    Attributes:
        tokens: int64 [L].
        editable, drafted: bool [L].
        spans: (start, stop) on the sequence, of each change.
        kept: the bytes around and between the changes, one more than there are changes.
    """

    tokens: np.ndarray
    editable: np.ndarray
    drafted: np.ndarray
    spans: tuple[tuple[int, int], ...]
    kept: tuple[bytes, ...]

    def text(self, answer: Sequence[int], tokenizer: Tokenizer) -> bytes:
        """The whole text with what stands in the spans of an answer [L]. What is kept is copied, never decoded, so it
        is the same to the byte under any tokeniser."""
        written = [tokenizer.decode(answer[start:stop]) for start, stop in self.spans]
        return b"".join(part for pair in zip(self.kept, [*written, b""], strict=True) for part in pair)


def edit_layout(text: bytes, changes: Iterable[Change], tokenizer: Tokenizer, longest: int) -> EditLayout:
    """The sequence of changes, of at most `longest` tokens; what it leaves over goes to both sides' surroundings.

    Raises:
        ValueError: no change, one outside the text, two that overlap, nothing open, or changes too far apart.
    """
    ordered = _ordered(text, changes)
    marks = [0, *(end for change in ordered for end in (change.start, change.stop)), len(text)]
    if (asked := sum(change.count or 0 for change in ordered)) > longest:
        raise ValueError(f"the changes ask for {asked} tokens, the sequence holds {longest}; ask for fewer")
    kept = tuple(text[start:stop] for start, stop in zip(marks[::2], marks[1::2], strict=True))
    pieces, opened = [tokenizer.encode(kept[0])], []
    for change, after in zip(ordered, kept[1:], strict=True):
        present = tokenizer.encode(text[change.start : change.stop])
        count = len(present) if change.count is None or change.revise else change.count
        opened.append(present if change.revise else np.full(count, tokenizer.end, np.int64))
        pieces += [opened[-1], tokenizer.encode(after)]
    if not any(len(part) for part in opened):
        raise ValueError("the changes leave nothing to write; give a count of tokens, or delete with an editor")
    inner = sum(map(len, pieces[1:-1]))
    room = longest - inner
    if room < 0:
        raise ValueError(
            f"the changes and what lies between them are {inner} tokens, the sequence holds {longest}; make "
            "changes that lie far apart one at a time"
        )
    left = min(len(pieces[0]), max(room // 2, room - len(pieces[-1])))
    pieces[0], pieces[-1] = pieces[0][len(pieces[0]) - left :], pieces[-1][: room - left]
    ends = np.cumsum([len(piece) for piece in pieces])
    spans = tuple((int(ends[i - 1]), int(ends[i])) for i in range(1, len(pieces), 2))
    editable, drafted = np.zeros(ends[-1], bool), np.zeros(ends[-1], bool)
    for (start, stop), change in zip(spans, ordered, strict=True):
        editable[start:stop], drafted[start:stop] = True, change.revise
    return EditLayout(np.concatenate(pieces), editable, drafted, spans, kept)


def _ordered(text: bytes, changes: Iterable[Change]) -> list[Change]:
    ordered = sorted(changes, key=lambda change: (change.start, change.stop))
    if not ordered:
        raise ValueError("nothing is to be changed; name a span to rewrite, to revise, to insert or to delete")
    for change in ordered:
        if not 0 <= change.start <= change.stop <= len(text):
            raise ValueError(f"the span {change.start}:{change.stop} is not in the text, which has {len(text)} bytes")
        if change.count is not None and change.count < 0:
            raise ValueError(f"{change.count} tokens cannot be written; use 0 to delete")
    for one, other in pairwise(ordered):
        if other.start < one.stop:
            raise ValueError(f"the spans {one.start}:{one.stop} and {other.start}:{other.stop} overlap; make them one")
    return ordered


def line_starts(text: bytes) -> list[int]:
    """The first byte of every line, and of what would follow the last."""
    starts = [0, *(match.end() for match in re.finditer(rb"\r\n|\r|\n", text))]
    return starts if starts[-1] == len(text) else [*starts, len(text)]
