"""Reference models that score what was written, in bits per byte: the run's own, or a published one with its own
tokens."""

from abc import ABC, abstractmethod

import numpy as np
import torch

from adaptive_diffusion.evaluation.pretrained_reference import PretrainedReference
from adaptive_diffusion.evaluation.reference_model import nll_bits
from adaptive_diffusion.tasks.text.tokenizer import Tokenizer

AFTER = 16
"""Bytes behind what was open that count, too: what is written must fit what follows."""
BEFORE = 300
"""Bytes in front of it that a published model reads, since its forwards are long."""


class Reference(ABC):
    """Scores answers [N, L] to N infilling problems.

    Attributes:
        name: of the reference model.
    """

    name: str

    @abstractmethod
    def of_written(self, tokens: torch.Tensor, problems) -> np.ndarray:
        """float64 [N], bits from the first open position to `AFTER` bytes after the last, per byte that was open."""

    @abstractmethod
    def of_open(self, problems) -> np.ndarray:
        """float64 [N], bits a byte of the reference text that was open."""


class TokenReference(Reference):
    """A model of the same tokens, which are bytes."""

    name = "trained on the same corpus"

    def __init__(self, model, length: int):
        self.model, self.length = model, length

    def of_written(self, tokens, problems):
        place, length = np.arange(self.length), self.length
        first = problems.editable.argmax(1)[:, None]
        last = length - 1 - problems.editable[:, ::-1].argmax(1)[:, None]
        bits = self._bits(tokens) * ((first <= place) & (place <= last + AFTER))
        return bits.sum(1) / problems.editable.sum(1)

    def of_open(self, problems):
        bits = self._bits(torch.from_numpy(problems.tokens)) * problems.editable
        return bits.sum(1) / problems.editable.sum(1)

    def _bits(self, tokens):
        return nll_bits(self.model, tokens, self.length).numpy()


class TextReference(Reference):
    """A published model of tokens of its own. A text is scored once for what stands before it."""

    def __init__(self, model: PretrainedReference, tokenizer: Tokenizer):
        self.model, self.tokenizer = model, tokenizer
        self.name = str(model.model.config._name_or_path).rstrip("/").rpartition("/")[2]
        self.known: dict[str, dict[str, float]] = {}

    def of_written(self, tokens, problems):
        return self._scored(tokens.numpy(), problems, AFTER)

    def of_open(self, problems):
        return self._scored(problems.tokens, problems, 0)

    def _scored(self, tokens, problems, after):
        parts = list(self._parts(tokens, problems, after))
        for before in dict.fromkeys(before for before, _, _ in parts):
            known = self.known.setdefault(before, {})
            new = list(dict.fromkeys(text for one, text, _ in parts if one == before and text not in known))
            if new:
                known.update(zip(new, self.model.bits_behind(before, new).tolist(), strict=True))
        return np.array([self.known[before][text] / max(1, size) for before, text, size in parts])

    def _parts(self, tokens, problems, after):
        """The text before what is open, the text to score, and how many bytes of it were open."""
        for row, opened in zip(tokens.tolist(), problems.editable, strict=True):
            first, last = opened.argmax(), len(opened) - opened[::-1].argmax()
            before, here, behind = (
                self.tokenizer.decode(row[part]) for part in (slice(first), slice(first, last), slice(last, None))
            )
            scored = here + behind[:after]
            yield before[-BEFORE:].decode("utf-8", "ignore"), scored.decode("utf-8", "ignore"), len(here)
