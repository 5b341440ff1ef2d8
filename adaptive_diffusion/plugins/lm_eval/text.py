"""Text of tasks as tokens, and tokens of answers as text."""

from bisect import bisect_right
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Frame:
    """The special tokens that a tokenizer puts around a text, such as [CLS] and [SEP], or BOS and nothing."""

    before: tuple[int, ...] = ()
    after: tuple[int, ...] = ()

    @classmethod
    def of(cls, tokenizer: Any, add_special_tokens: bool | None = None, add_bos_token: bool | None = None) -> "Frame":
        """The tokenizer's own frame.

        Args:
            add_special_tokens: false for no special tokens; None or true for the tokenizer's own.
            add_bos_token: true puts the beginning-of-text token first, also where the tokenizer does not; false leaves
                it out; None is as the tokenizer does.

        Raises:
            ValueError: `add_bos_token` for a tokenizer without a beginning-of-text token, or values that are neither
                true nor false.
        """
        for name, value in (("add_special_tokens", add_special_tokens), ("add_bos_token", add_bos_token)):
            if value not in (None, True, False):
                raise ValueError(f"{name}={value!r} must be true or false")
        frame = cls() if add_special_tokens is False else cls._own(tokenizer)
        if add_bos_token is None:
            return frame
        begin = tokenizer.bos_token_id
        if begin is None:
            raise ValueError(
                f"add_bos_token={add_bos_token}: the tokenizer has no beginning-of-text token; leave the argument out"
            )
        rest = tuple(token for token in frame.before if token != begin)
        return cls((begin, *rest) if add_bos_token else rest, frame.after)

    @classmethod
    def _own(cls, tokenizer: Any) -> "Frame":
        text = next((text for text in ("a", "1", ".") if tokenizer.encode(text, add_special_tokens=False)), "")
        bare, framed = tokenizer.encode(text, add_special_tokens=False), tokenizer.encode(text)
        for start in range(len(framed) - len(bare) + 1):
            if framed[start : start + len(bare)] == bare:
                return cls(tuple(framed[:start]), tuple(framed[start + len(bare) :]))
        return cls()

    def begin(self, tokens: list[int]) -> list[int]:
        """The tokens with what comes before them; a text that begins with it already, as chat templates write it, gets
        it once."""
        before = list(self.before)
        return tokens if before and tokens[: len(before)] == before else before + tokens


@dataclass(frozen=True)
class Text:
    """A tokenizer with its frame.

    Attributes:
        end: tokens that end an answer.
    """

    tokenizer: Any
    frame: Frame
    end: Collection[int]

    def encode(self, text: str) -> list[int]:
        """Tokens of a text, without special tokens around it."""
        return self.tokenizer.encode(text, add_special_tokens=False)

    def pair(self, context: str, continuation: str) -> tuple[list[int], list[int]]:
        """Tokens of a context, with what its frame puts before it, and of a continuation. Spaces at the end of the
        context belong to the continuation; the tokens of both together are split where the context's own end.

        Raises:
            ValueError: a continuation without tokens.
        """
        stripped = context.rstrip()
        continuation, context = context[len(stripped) :] + continuation, stripped
        both, begun = self.encode(context + continuation), self.encode(context) if context else []
        if not both[len(begun) :]:
            raise ValueError(f"the continuation {continuation!r} has no tokens of its own")
        return self.frame.begin(both[: len(begun)]), both[len(begun) :]

    def answer(self, tokens: Sequence[int], stops: Sequence[str]) -> str:
        """The text of an answer, without special tokens, up to the first end token or the first stop. A stop may be or
        hold a special token (`<|eot_id|>`)."""
        ends = [place for place, token in enumerate(tokens) if token in self.end]
        tokens = list(tokens[: ends[0]] if ends else tokens)
        marks = self._special_texts(tokens)
        special = [stop for stop in stops if any(mark in stop for mark in marks)]
        return _until(self._before(tokens, special), stops)

    def _special_texts(self, tokens: Sequence[int]) -> set[str]:
        each = {token: self._text([token], special=True).strip() for token in set(tokens)}
        return {text for token, text in each.items() if text and not self._text([token])}

    def _before(self, tokens: list[int], stops: Sequence[str]) -> str:
        """The text, without special tokens, before the first of `stops` in the text with them."""
        full = self._text(tokens, special=True)
        place = len(_until(full, stops))
        if place == len(full):
            return self._text(tokens)
        count = bisect_right(range(len(tokens) + 1), place, key=lambda n: len(self._text(tokens[:n], special=True))) - 1
        begun = self._text(tokens[:count], special=True)
        return self._text(tokens[:count]) + full[len(begun) : place]

    def _text(self, tokens: list[int], special: bool = False) -> str:
        return self.tokenizer.decode(tokens, skip_special_tokens=not special)


def _until(text: str, stops: Sequence[str]) -> str:
    return text[: min((text.find(stop) for stop in stops if stop in text), default=len(text))]
