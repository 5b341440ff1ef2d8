"""SMILES strings as tokens: atoms, bracket atoms, bonds, branches and ring closures; or single characters."""

import re
from abc import abstractmethod
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from adaptive_diffusion.tasks.text.tokenizer import Tokenizer

TOKEN = re.compile(r"\[[^\[\]]*\]|Br|Cl|%\d\d|.", re.DOTALL)
"""A bracket atom, an element of two letters, a ring closure of two digits, or one character (OpenSMILES)."""

ATOMS = ("C", "N", "O", "F", "S", "Cl", "Br", "c", "n", "o", "s")
SIGNS = ("(", ")", "=", "#", "-", "1", "2", "3", "4", "5", "6")
BRACKETS = ("[nH]", "[H]", "[O-]", "[N+]", "[NH+]", "[NH2+]", "[NH3+]", "[nH+]", "[n-]", "[c-]", "[cH-]")
RARE = ("[C-]", "[CH-]", "[N-]")
SYMBOLS = (*ATOMS, *SIGNS, *BRACKETS, *RARE)
"""What canonical strings of QM9 and MOSES consist of."""
CHARACTERS = tuple(sorted({character for symbol in SYMBOLS for character in symbol}))


def pieces(smiles: str) -> list[str]:
    """A string cut into atoms, bracket atoms, bonds, branches and ring closures; joined they are the string."""
    return TOKEN.findall(smiles)


def is_atom(piece: str) -> bool:
    """Whether a piece is an atom, in brackets or not."""
    return piece[0] == "[" or piece[0].isalpha()


class SymbolTokenizer(Tokenizer):
    """A token for each of `alphabet`, and the end: K = its size + 1.

    Attributes:
        alphabet: what tokens 0, 1, … stand for.
    """

    alphabet: Sequence[str]

    @abstractmethod
    def cut(self, smiles: str) -> Sequence[str]:
        """The pieces of a string that are to be tokens."""

    @cached_property
    def _token_of(self) -> dict[str, int]:
        return {symbol: token for token, symbol in enumerate(self.alphabet)}

    @property
    def size(self) -> int:  # type: ignore[override]
        return len(self.alphabet) + 1

    @property
    def end(self) -> int:  # type: ignore[override]
        return len(self.alphabet)

    def encode(self, text: bytes) -> np.ndarray:
        """int64 [L].

        Raises:
            ValueError: a piece that is no token.
        """
        cut, known = self.cut(text.decode("utf-8", "replace")), self._token_of
        for piece in cut:
            if piece not in known:
                raise ValueError(f"{piece!r} is no token of this model; its tokens are {' '.join(self.alphabet)}")
        return np.array([known[piece] for piece in cut], np.int64)

    def decode(self, tokens: Iterable[int]) -> bytes:
        return "".join(self.alphabet[token] for token in tokens if 0 <= token < self.end).encode()


@dataclass(frozen=True)
class SmilesTokenizer(SymbolTokenizer):
    """A token for each atom, bracket atom, bond, branch and ring closure."""

    alphabet: Sequence[str] = SYMBOLS

    def cut(self, smiles: str) -> Sequence[str]:
        return pieces(smiles)


@dataclass(frozen=True)
class CharacterTokenizer(SymbolTokenizer):
    """A token for each character."""

    alphabet: Sequence[str] = CHARACTERS

    def cut(self, smiles: str) -> Sequence[str]:
        return smiles
