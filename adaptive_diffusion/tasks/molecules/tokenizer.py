"""SMILES strings as tokens: atoms, bonds, branches and ring closures; several of them together; or characters."""

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


@dataclass(frozen=True)
class LongestMatchTokenizer(SymbolTokenizer):
    """Tokens of one or several atoms, bonds, branches and ring closures, such as `c1ccccc1`: from the left, always the
    longest that fits. The alphabet may come from byte-pair encoding (Sennrich et al. 2016, arXiv 1508.07909; for SMILES
    Li and Fourches 2021, doi 10.1021/acs.jcim.0c01127); reading it from the left needs no list of merges (Uzan et al.
    2024, arXiv 2403.01289).

    Attributes:
        alphabet: what tokens stand for. What is not in it as a whole or in parts is no token.

    >>> LongestMatchTokenizer(("C", "O", "CC", "CCO")).cut("CCCCO")
    ['CC', 'CCO']
    """

    alphabet: Sequence[str]

    def cut(self, smiles: str) -> Sequence[str]:
        symbols, known, found, start = pieces(smiles), self._token_of, [], 0
        while start < len(symbols):
            stop = min(start + self._most, len(symbols))
            while stop > start + 1 and "".join(symbols[start:stop]) not in known:
                stop -= 1
            found.append("".join(symbols[start:stop]))
            start = stop
        return found

    @cached_property
    def _most(self) -> int:
        """Symbols of the longest token."""
        return max(len(pieces(token)) for token in self.alphabet)
