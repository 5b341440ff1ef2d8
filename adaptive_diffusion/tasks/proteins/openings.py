"""What is to be written in a sequence: scattered positions, a window, or what a repair must find."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from adaptive_diffusion.tasks.proteins.alphabet import PADDING


class Opening(ABC):
    """A way to make a problem of a sequence. `share` is the least and the largest share of its residues."""

    share: Sequence[float]

    @abstractmethod
    def __call__(self, clean: np.ndarray, uniforms: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Tokens [L], editable [L] and drafted [L] for a sequence [L] with padding, from uniforms [3, L]."""

    def count(self, length: int, uniform: float) -> int:
        """How many residues, at least one."""
        low, high = self.share
        return max(1, round((low + (high - low) * uniform) * length))


@dataclass(frozen=True)
class Scattered(Opening):
    """Positions drawn at random are open."""

    share: Sequence[float] = (0.1, 0.6)

    def __call__(self, clean: np.ndarray, uniforms: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        length = int((clean != PADDING).sum())
        editable = np.zeros(len(clean), bool)
        editable[np.argsort(uniforms[1, :length])[: self.count(length, uniforms[0, 0])]] = True
        return clean, editable, np.zeros(len(clean), bool)


@dataclass(frozen=True)
class Window(Opening):
    """Neighbouring positions are open."""

    share: Sequence[float] = (0.1, 0.6)

    def __call__(self, clean: np.ndarray, uniforms: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        length = int((clean != PADDING).sum())
        count = self.count(length, uniforms[0, 0])
        start = int(uniforms[0, 1] * (length - count + 1))
        editable = np.zeros(len(clean), bool)
        editable[start : start + count] = True
        return clean, editable, np.zeros(len(clean), bool)


@dataclass(frozen=True)
class Repair(Opening):
    """Residues drawn at random are replaced by others, drawn uniformly; every residue is editable and stands at
    first."""

    share: Sequence[float] = (0.05, 0.3)

    def __call__(self, clean: np.ndarray, uniforms: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        length = int((clean != PADDING).sum())
        editable = clean != PADDING
        tokens = clean.copy()
        at = np.argsort(uniforms[1, :length])[: self.count(length, uniforms[0, 0])]
        tokens[at] = (clean[at] + 1 + (uniforms[2, at] * (PADDING - 1)).astype(np.int64)) % PADDING
        return tokens, editable, editable.copy()
