"""Edits of a molecule: spans of its string are written anew, the rest stays."""

from bisect import bisect
from dataclasses import dataclass
from itertools import accumulate

import numpy as np

from adaptive_diffusion.tasks.editing import Change, Draft, Editor, EditSpec, ordered
from adaptive_diffusion.tasks.molecules.chemistry import violation
from adaptive_diffusion.tasks.molecules.framing import padded
from adaptive_diffusion.tasks.molecules.tokenizer import SymbolTokenizer
from adaptive_diffusion.tasks.text.edits import edit_layout

MOST = 4096
"""Tokens of a string that is looked at."""


@dataclass(frozen=True)
class MoleculeEditor(Editor):
    """Spans of the SMILES string of a file are written anew, revised, inserted or deleted. The padding behind it is
    given, as in training.

    Attributes:
        tokenizer: strings to tokens.
        length: L, positions of a sequence.
        room: the longest string.
    """

    tokenizer: SymbolTokenizer
    length: int
    room: int

    def draft(self, content: bytes, spec: EditSpec) -> Draft:
        text = content.rstrip()
        if len(text.split()) != 1:
            raise ValueError(f"the file holds {len(text.split())} words; edit a file of one SMILES string")
        changes = ordered(text, spec.changes(text))
        for change in changes:
            self._check_bounds(change, text)
        layout = edit_layout(text, changes, self.tokenizer, MOST)
        size = len(layout.tokens)
        if size > self.room:
            raise ValueError(f"the changed string has {size} tokens, and there is room for {self.room}; shorten it")
        behind = np.zeros(self.length - size, bool)
        return Draft(
            padded(layout.tokens, self.length, self.tokenizer.end),
            np.append(layout.editable, behind),
            np.append(layout.drafted, behind),
            lambda answer: layout.text(answer, self.tokenizer) + content[len(text) :],
            layout.opened,
            lambda answer: violation(layout.text(answer, self.tokenizer).decode("utf-8", "replace")),
        )

    def _check_bounds(self, change: Change, text: bytes) -> None:
        """Raises ValueError where a change cuts a token, both halves of which would be other tokens, or not one."""
        cut = self.tokenizer.cut(text.decode("utf-8", "surrogateescape"))
        bounds = [0, *accumulate(len(piece.encode("utf-8", "surrogateescape")) for piece in cut)]
        for at in (change.start, change.stop):
            if at not in bounds:
                after = bisect(bounds, at)
                low, high = bounds[after - 1], bounds[after]
                raise ValueError(
                    f"{change.name}: byte {at} cuts the token {cut[after - 1]!r} in two; bounds that fit are {low} and "
                    f"{high}"
                )
