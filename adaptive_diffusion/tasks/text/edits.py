"""Edits of a text: spans are rewritten, revised, inserted or deleted; the rest stays the same, byte for byte."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from adaptive_diffusion.tasks.editing import Change, Draft, Editor, EditSpec, OpenSpan, ordered
from adaptive_diffusion.tasks.text.tokenizer import Tokenizer


@dataclass(frozen=True)
class EditLayout:
    """A text under edit, as tokens: the changes, and as much around them as fits.

    Attributes:
        tokens: int64 [L].
        editable, drafted: bool [L].
        spans: (start, stop) on the sequence, of each change.
        names: of each change.
        around: the bytes around and between the changes, one more than there are changes.
    """

    tokens: np.ndarray
    editable: np.ndarray
    drafted: np.ndarray
    spans: tuple[tuple[int, int], ...]
    names: tuple[str, ...]
    around: tuple[bytes, ...]

    @property
    def opened(self) -> tuple[OpenSpan, ...]:
        """The spans in which something is written."""
        named = zip(self.names, self.spans, strict=True)
        return tuple(OpenSpan(name, tuple(range(start, stop))) for name, (start, stop) in named if start < stop)

    def draft(self, tokenizer: Tokenizer) -> Draft:
        """The query of these changes."""
        return Draft(self.tokens, self.editable, self.drafted, lambda answer: self.text(answer, tokenizer), self.opened)

    def text(self, answer: Sequence[int], tokenizer: Tokenizer) -> bytes:
        """The text with what stands in the spans of an answer [L]. What surrounds them is copied, never decoded, so it
        is the same to the byte under any tokeniser."""
        written = [tokenizer.decode(answer[start:stop]) for start, stop in self.spans]
        return b"".join(part for pair in zip(self.around, [*written, b""], strict=True) for part in pair)


def edit_layout(text: bytes, changes: Iterable[Change], tokenizer: Tokenizer, longest: int) -> EditLayout:
    """The sequence of changes, of at most `longest` tokens; what it leaves over goes to both sides' surroundings.

    Raises:
        ValueError: no change, one outside the text, two that overlap, nothing open, or changes too far apart.
    """
    found = ordered(text, changes)
    marks = [0, *(end for change in found for end in (change.start, change.stop)), len(text)]
    if (wanted := sum(change.count or 0 for change in found)) > longest:
        raise ValueError(f"the changes want {wanted} tokens, the sequence holds {longest}; give smaller counts")
    around = tuple(text[start:stop] for start, stop in zip(marks[::2], marks[1::2], strict=True))
    pieces, opened = [tokenizer.encode(around[0])], []
    for change, after in zip(found, around[1:], strict=True):
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
    for (start, stop), change in zip(spans, found, strict=True):
        editable[start:stop], drafted[start:stop] = True, change.revise
    names = tuple(change.name for change in found)
    return EditLayout(np.concatenate(pieces), editable, drafted, spans, names, around)


@dataclass(frozen=True)
class TextEditor(Editor):
    """Spans of a text of any length are rewritten or revised; the rest stays the same, byte for byte.

    Attributes:
        tokenizer: text to tokens.
        length: L, tokens of the longest sequence.
    """

    tokenizer: Tokenizer
    length: int

    def draft(self, content: bytes, spec: EditSpec) -> Draft:
        return edit_layout(content, spec.changes(content), self.tokenizer, self.length).draft(self.tokenizer)
