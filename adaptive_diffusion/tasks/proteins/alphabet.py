"""The residues of proteins as tokens."""

from collections.abc import Iterable

import numpy as np

RESIDUES = "ACDEFGHIKLMNPQRSTVWY"
PADDING = len(RESIDUES)
VOCABULARY = PADDING + 1
"""The residues and the padding behind a shorter sequence; the mask is the token after them."""
BLANKS = "_.?X"
"""What stands for a residue that is to be written."""

_TOKEN = {residue: token for token, residue in enumerate(RESIDUES)}


def encode(sequence: str, length: int) -> np.ndarray:
    """int64 [L] with padding at the end; blanks get the token of the mask."""
    tokens = [_TOKEN.get(residue, VOCABULARY) for residue in sequence]
    return np.array([*tokens, *[PADDING] * (length - len(tokens))], np.int64)


def decode(tokens: Iterable[int], blank: str = "_") -> str:
    """The residues of tokens without the padding; `blank` where a token is no residue."""
    return "".join(RESIDUES[token] if 0 <= token < PADDING else blank for token in tokens if token != PADDING)
