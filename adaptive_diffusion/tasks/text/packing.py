"""From documents to windows of equal length."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Windows:
    """`tokens` int64 [N, L] and `padding` bool [N, L], true where a window holds nothing; padding shows the end token
    and is given to the denoiser, so it is never in a loss."""

    tokens: np.ndarray
    padding: np.ndarray

    def __len__(self) -> int:
        return len(self.tokens)


class Packing(ABC):
    """How windows are cut from token sequences, each of which ends with the end token, once."""

    @abstractmethod
    def every(self, documents: Sequence[np.ndarray], length: int) -> Windows:
        """Windows that hold each token once, in order: what is evaluated on."""

    @abstractmethod
    def drawn(self, documents: Sequence[np.ndarray], length: int, count: int, rng: np.random.Generator) -> Windows:
        """`count` windows drawn at random: what is trained on."""


class Packed(Packing):
    """Documents one behind the other, windows across their boundaries. So nothing is padded, and what a denoiser learns
    to write after an end is the beginning of another document, never a flood of ends; an answer is cut at its first
    end. Windows for training begin anywhere."""

    def every(self, documents: Sequence[np.ndarray], length: int) -> Windows:
        return cut(np.concatenate(documents), length)

    def drawn(self, documents: Sequence[np.ndarray], length: int, count: int, rng: np.random.Generator) -> Windows:
        ends = np.cumsum([len(document) for document in documents])
        if ends[-1] < length:
            raise ValueError(f"{ends[-1]} tokens do not fill a window of {length}; use more text or a shorter window")
        starts = rng.integers(ends[-1] - length + 1, size=count)
        rows = [_across(documents, ends, start, length) for start in starts]
        return Windows(np.stack(rows).astype(np.int64), np.zeros((count, length), bool))


class OneEach(Packing):
    """Documents apart: a short one has a window to itself and its end, a longer one several. The rest is padding, which
    the denoiser sees: a sequence says how long the text may be."""

    def every(self, documents: Sequence[np.ndarray], length: int) -> Windows:
        parts = [cut(document, length) for document in documents]
        return Windows(*(np.concatenate([getattr(part, name) for part in parts]) for name in ("tokens", "padding")))

    def drawn(self, documents: Sequence[np.ndarray], length: int, count: int, rng: np.random.Generator) -> Windows:
        chosen = [documents[index] for index in rng.integers(len(documents), size=count)]
        starts = [rng.integers(-(-len(document) // length)) * length for document in chosen]
        pieces = [document[start : start + length] for document, start in zip(chosen, starts, strict=True)]
        return Windows(
            *(np.concatenate(column) for column in zip(*(_row(piece, length) for piece in pieces), strict=True))
        )


def cut(tokens: np.ndarray, length: int) -> Windows:
    """Windows of a sequence, the last one padded with its last token."""
    count = -(-len(tokens) // length)
    padded = np.full(count * length, tokens[-1], np.int64)
    padded[: len(tokens)] = tokens
    return Windows(padded.reshape(count, length), (np.arange(count * length) >= len(tokens)).reshape(count, length))


def _row(piece: np.ndarray, length: int) -> tuple[np.ndarray, np.ndarray]:
    row = cut(piece, length)
    return row.tokens, row.padding


def _across(documents: Sequence[np.ndarray], ends: np.ndarray, start: int, length: int) -> np.ndarray:
    """The window that begins at a place of the concatenation, without making it."""
    first, last = np.searchsorted(ends, [start, start + length - 1], side="right")
    begin = ends[first] - len(documents[first])
    return np.concatenate(documents[first : last + 1])[start - begin : start - begin + length]
