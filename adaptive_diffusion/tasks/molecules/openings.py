"""What is open in a molecule: everything, neighbouring tokens, or what is not of its scaffold or of two fragments."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from adaptive_diffusion.tasks.molecules.fragments import kept_characters, linkers, scaffold
from adaptive_diffusion.tasks.molecules.framing import Framing


class Opening(ABC):
    """A way to make a problem of a string, cut into tokens, in `length` positions.

    Attributes:
        kind: what the problems are called.
    """

    kind: str

    @abstractmethod
    def __call__(self, cut: Sequence[str], length: int, framing: Framing, uniforms: np.ndarray) -> np.ndarray:
        """bool [L], the positions that are open, from uniforms [2]."""

    def suits(self, cut: Sequence[str]) -> bool:
        """Whether a problem can be made of the string."""
        return True


@dataclass(frozen=True)
class New(Opening):
    """The molecule is written anew (de novo); its length is given or not, as the framing has it."""

    kind = "new"

    def __call__(self, cut: Sequence[str], length: int, framing: Framing, uniforms: np.ndarray) -> np.ndarray:
        return np.arange(length) < framing.open_positions(len(cut), length)


@dataclass(frozen=True)
class Span(Opening):
    """Neighbouring tokens are open, their number is given.

    Attributes:
        share: the least and the largest share of the string's tokens.
    """

    share: Sequence[float] = (0.2, 0.6)
    kind = "span"

    def __call__(self, cut: Sequence[str], length: int, framing: Framing, uniforms: np.ndarray) -> np.ndarray:
        (low, high), count = self.share, len(cut)
        size = min(count, max(1, round((low + (high - low) * float(uniforms[0])) * count)))
        start = int(uniforms[1] * (count - size + 1))
        place = np.arange(length)
        return (start <= place) & (place < start + size)


class Keeping(Opening):
    """Parts of the molecule are kept, the rest is open; the number of open tokens is given. A token that holds more
    than what is kept is open."""

    @abstractmethod
    def parts(self, smiles: str) -> Sequence[tuple[frozenset[int], ...]]:
        """Every choice of the atoms that are kept, numbered as in the string, each part by itself."""

    def chosen(self, smiles: str, uniforms: np.ndarray) -> tuple[frozenset[int], ...]:
        """The parts that are kept, from uniforms [2]."""
        choices = self.parts(smiles)
        return choices[int(uniforms[0] * len(choices))]

    def suits(self, cut: Sequence[str]) -> bool:
        return bool(self.parts("".join(cut)))

    def __call__(self, cut: Sequence[str], length: int, framing: Framing, uniforms: np.ndarray) -> np.ndarray:
        smiles = "".join(cut)
        kept = kept_characters(smiles, frozenset().union(*self.chosen(smiles, uniforms)))
        begins = np.cumsum([0, *(len(piece) for piece in cut[:-1])])
        return np.pad(~np.logical_and.reduceat(kept, begins), (0, length - len(cut)))


@dataclass(frozen=True)
class Scaffold(Keeping):
    """The scaffold is kept and the side chains are written anew (decoration); of molecules with both."""

    kind = "scaffold"

    def parts(self, smiles: str) -> Sequence[tuple[frozenset[int], ...]]:
        found = scaffold(smiles)
        return [(found,)] if found and not kept_characters(smiles, found).all() else []


@dataclass(frozen=True)
class TwoFragments(Keeping):
    """Two fragments are kept and what joins them is written anew (linker design), one of all pairs by chance."""

    kind = "fragments"

    def parts(self, smiles: str) -> Sequence[tuple[frozenset[int], ...]]:
        return linkers(smiles)
