"""What is open in a molecule: everything, or neighbouring tokens."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from adaptive_diffusion.tasks.molecules.framing import Framing


class Opening(ABC):
    """A way to make a problem of a string of `count` tokens in `length` positions.

    Attributes:
        kind: what the problems are called.
    """

    kind: str

    @abstractmethod
    def __call__(self, count: int, length: int, framing: Framing, uniforms: np.ndarray) -> np.ndarray:
        """bool [L], the positions that are open, from uniforms [2]."""


@dataclass(frozen=True)
class New(Opening):
    """The molecule is written anew (de novo); its length is given or not, as the framing has it."""

    kind = "new"

    def __call__(self, count: int, length: int, framing: Framing, uniforms: np.ndarray) -> np.ndarray:
        return np.arange(length) < framing.open_positions(count, length)


@dataclass(frozen=True)
class Span(Opening):
    """Neighbouring tokens are open, their number is given.

    Attributes:
        share: the least and the largest share of the string's tokens.
    """

    share: Sequence[float] = (0.2, 0.6)
    kind = "span"

    def __call__(self, count: int, length: int, framing: Framing, uniforms: np.ndarray) -> np.ndarray:
        low, high = self.share
        size = min(count, max(1, round((low + (high - low) * float(uniforms[0])) * count)))
        start = int(uniforms[1] * (count - size + 1))
        place = np.arange(length)
        return (start <= place) & (place < start + size)
