"""Texts with gaps, in columns."""

from dataclasses import dataclass, fields

import numpy as np

from adaptive_diffusion.core.rows import Rows


@dataclass(frozen=True)
class InfillingProblems(Rows):
    """N sequences of text.

    Attributes:
        tokens: int64 [N, L], the full text where it is known; the end token as padding.
        editable: bool [N, L], what is to be written.
        scope: int64 [N, 2], first position and the one after the last of the text that a checker gets; equal where it
            gets none.
        known: bool [N], `tokens` hold the reference at open positions too.
        surprise: float32 [N], bytes by which the open text lengthens its surroundings when they are compressed (zlib),
            a difficulty that depends on no model; 0 where no reference is known.
        kind: [N] strings, what is open: "span", "line end", "identifier", "line", "window", "query".
    """

    tokens: np.ndarray
    editable: np.ndarray
    scope: np.ndarray
    known: np.ndarray
    surprise: np.ndarray
    kind: np.ndarray

    def __len__(self) -> int:
        return len(self.tokens)

    @staticmethod
    def concatenate(parts: "list[InfillingProblems]") -> "InfillingProblems":
        """One behind the other."""
        return InfillingProblems(
            *(np.concatenate([getattr(part, field.name) for part in parts]) for field in fields(InfillingProblems))
        )


def passage(
    pieces: list[tuple[np.ndarray, bool]],
    length: int,
    end: int,
    scope: tuple[int, int] = (0, 0),
    surprise: float = 0.0,
    kind: str = "query",
    known: bool = True,
) -> InfillingProblems:
    """One sequence from token sequences that are open or not, one behind the other, padded to `length`.

    Raises:
        ValueError: more tokens than the sequence holds.
    """
    tokens = np.concatenate([piece for piece, _ in pieces])
    if len(tokens) > length:
        raise ValueError(f"a text of {len(tokens)} tokens does not fit a sequence of {length}; shorten it")
    padded, editable = np.full(length, end, np.int64), np.zeros(length, bool)
    padded[: len(tokens)] = tokens
    editable[: len(tokens)] = np.concatenate([np.full(len(piece), is_open) for piece, is_open in pieces])
    columns = (padded, editable, np.array(scope), known, np.float32(surprise), kind)
    return InfillingProblems(*(np.asarray(column)[None] for column in columns))
