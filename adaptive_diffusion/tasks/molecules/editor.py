"""Edits of a molecule: spans of its string are written anew, the rest stays."""

from dataclasses import dataclass

import numpy as np

from adaptive_diffusion.tasks.editing import Draft, Editor, EditSpec
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
        layout = edit_layout(text, spec.changes(text), self.tokenizer, MOST)
        size = len(layout.tokens)
        if size > self.room:
            raise ValueError(f"the changed string has {size} tokens, and there is room for {self.room}; shorten it")
        behind = np.zeros(self.length - size, bool)
        return Draft(
            padded(layout.tokens, self.length, self.tokenizer.end),
            np.append(layout.editable, behind),
            np.append(layout.drafted, behind),
            lambda answer: layout.text(answer, self.tokenizer) + content[len(text) :],
        )
