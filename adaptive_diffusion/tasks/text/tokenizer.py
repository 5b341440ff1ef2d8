"""From text to tokens and back. Text is bytes throughout, so that what is not edited stays the same to the byte."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from adaptive_diffusion.core.layout import TextLayout


class Tokenizer(ABC):
    """Maps bytes to tokens and back; subclass it for your own.

    Attributes:
        size: K, clean tokens, the end included; the mask is token K.
        end: the token that ends a document, once; it stands for no text.
    """

    size: int
    end: int

    @abstractmethod
    def encode(self, text: bytes) -> np.ndarray:
        """int64 [L]."""

    @abstractmethod
    def decode(self, tokens: Iterable[int]) -> bytes:
        """The text of tokens; ends and masks give nothing."""

    def symbols(self) -> dict[int, str]:
        """What each token is shown as."""
        shown = {token: self.decode([token]).decode("utf-8", "backslashreplace") for token in range(self.size)}
        return shown | {self.end: "␃"}


@dataclass(frozen=True)
class ByteTokenizer(Tokenizer):
    """A token a byte, and the end of a document: K = 257."""

    size = 257
    end = 256

    def encode(self, text: bytes) -> np.ndarray:
        return np.frombuffer(text, np.uint8).astype(np.int64)

    def decode(self, tokens: Iterable[int]) -> bytes:
        return bytes(token for token in tokens if 0 <= token < 256)


@dataclass(frozen=True)
class PretrainedTokenizer(Tokenizer):
    """A tokeniser of `transformers` (the extra `pretrained`), by its name or the folder it lies in. What separates
    texts ends one where nothing else does, as in BERT and its kin.

    Raises:
        ModuleNotFoundError: the extra is not installed.
        ValueError: no such tokeniser, or one with neither an end-of-sequence nor a separating token.
    """

    name: str
    revision: str | None = None

    @cached_property
    def _tokenizer(self) -> Any:
        try:
            from transformers import AutoTokenizer  # pyright: ignore[reportMissingImports]
        except ModuleNotFoundError as error:
            raise ModuleNotFoundError(
                f"the tokeniser {self.name!r} needs transformers: pip install 'adaptive-diffusion[pretrained]'"
            ) from error
        try:
            found = AutoTokenizer.from_pretrained(self.name, revision=self.revision, trust_remote_code=False)
        except OSError as error:
            raise ValueError(
                f"no tokeniser {self.name!r}: no such folder is here, and no such name is on the hub, or it could not "
                "be fetched; set task.tokenizer.name to the folder where it lies"
            ) from error
        if found.eos_token_id is None and found.sep_token_id is None:
            raise ValueError(f"the tokeniser {self.name!r} has no end-of-sequence token; choose one that has")
        return found

    @property
    def size(self) -> int:  # type: ignore[override]
        return len(self._tokenizer)

    @property
    def end(self) -> int:  # type: ignore[override]
        ends = self._tokenizer.eos_token_id, self._tokenizer.sep_token_id
        return next(end for end in ends if end is not None)

    def encode(self, text: bytes) -> np.ndarray:
        decoded = text.decode("utf-8", "replace")
        return np.asarray(self._tokenizer.encode(decoded, add_special_tokens=False), np.int64)

    def decode(self, tokens: Iterable[int]) -> bytes:
        known = [token for token in tokens if 0 <= token < self.size and token != self.end]
        return self._tokenizer.decode(known, clean_up_tokenization_spaces=False).encode()


def symbol_layout(tokenizer: Tokenizer) -> TextLayout:
    """Running text, each token as the tokeniser decodes it."""
    symbols = tokenizer.symbols()
    return TextLayout(tuple(symbols[token] for token in range(tokenizer.size)))


def shown_text(tokens: Sequence[int], tokenizer: Tokenizer) -> str:
    """A sequence for people to read: the text up to its padding, ``␃`` where it ends."""
    row, pieces, start = list(tokens), [], 0
    while len(row) > 1 and row[-1] == row[-2] == tokenizer.end:
        row.pop()
    for place, token in enumerate([*row, tokenizer.end]):
        if token == tokenizer.end:
            pieces.append(tokenizer.decode(row[start:place]).decode("utf-8", "backslashreplace"))
            start = place + 1
    return "␃".join(pieces)
