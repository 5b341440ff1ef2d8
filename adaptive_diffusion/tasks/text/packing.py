"""From documents to windows of equal length."""

from abc import ABC, abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Documents:
    """Token sequences one behind the other, each of which ends with the end token, once.

    Attributes:
        tokens: int32 [T].
        ends: int64 [N], where each sequence ends in `tokens`.
    """

    tokens: np.ndarray
    ends: np.ndarray

    @staticmethod
    def of(sequences: Iterable[np.ndarray]) -> "Documents":
        """From sequences that are not empty."""
        parts = [np.asarray(sequence, np.int32) for sequence in sequences]
        return Documents(np.concatenate(parts), np.cumsum([len(part) for part in parts]))

    def __len__(self) -> int:
        return len(self.ends)

    def __getitem__(self, index: int) -> np.ndarray:
        return self.tokens[self.ends[index - 1] if index else 0 : self.ends[index]]


@dataclass(frozen=True)
class Windows:
    """`tokens` int64 [N, L] and `padding` bool [N, L], true where a window holds nothing; padding shows the end token
    and is given to the denoiser, so it is never in a loss."""

    tokens: np.ndarray
    padding: np.ndarray

    def __len__(self) -> int:
        return len(self.tokens)


class Packing(ABC):
    """How windows are cut from documents."""

    @abstractmethod
    def every(self, documents: Documents, length: int) -> Windows:
        """Windows that hold each token once, in order: what is evaluated on."""

    @abstractmethod
    def drawn(self, documents: Documents, length: int, count: int, rng: np.random.Generator) -> Windows:
        """`count` windows drawn at random: what is trained on.

        Raises:
            ValueError: documents too short for a window.
        """


class Packed(Packing):
    """Documents one behind the other, windows across their boundaries. So nothing is padded, and what a denoiser learns
    to write after an end is the beginning of another document, never a run of ends; an answer is cut at its first end.
    Windows for training begin anywhere."""

    def every(self, documents: Documents, length: int) -> Windows:
        return cut(documents.tokens, length)

    def drawn(self, documents: Documents, length: int, count: int, rng: np.random.Generator) -> Windows:
        tokens = documents.tokens
        if len(tokens) < length:
            raise ValueError(
                f"{len(tokens)} tokens do not fill a window of {length}; use more text or a shorter window"
            )
        starts = rng.integers(len(tokens) - length + 1, size=count)
        rows = [tokens[start : start + length] for start in starts]
        return Windows(np.stack(rows).astype(np.int64), np.zeros((count, length), bool))


class OneEach(Packing):
    """Documents apart: a short one has a window to itself and its end, a longer one several. The rest is padding, which
    the denoiser sees: a sequence shows how long the text may be."""

    def every(self, documents: Documents, length: int) -> Windows:
        return _joined([cut(documents[index], length) for index in range(len(documents))])

    def drawn(self, documents: Documents, length: int, count: int, rng: np.random.Generator) -> Windows:
        chosen = [documents[index] for index in rng.integers(len(documents), size=count)]
        starts = [rng.integers(-(-len(document) // length)) * length for document in chosen]
        pieces = [document[start : start + length] for document, start in zip(chosen, starts, strict=True)]
        return _joined([cut(piece, length) for piece in pieces])


def cut(tokens: np.ndarray, length: int) -> Windows:
    """Windows of a sequence, the last one padded with its last token."""
    count = -(-len(tokens) // length)
    padded = np.full(count * length, tokens[-1], np.int64)
    padded[: len(tokens)] = tokens
    return Windows(padded.reshape(count, length), (np.arange(count * length) >= len(tokens)).reshape(count, length))


def _joined(parts: list[Windows]) -> Windows:
    return Windows(np.concatenate([part.tokens for part in parts]), np.concatenate([part.padding for part in parts]))
