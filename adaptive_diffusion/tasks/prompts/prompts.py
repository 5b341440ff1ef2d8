"""Prompts and their answers as sequences of tokens."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from adaptive_diffusion.core.rows import Rows
from adaptive_diffusion.tasks.text.tokenizer import Tokenizer


@dataclass(frozen=True)
class Prompts(Rows):
    """N prompts: each sequence is the prompt, then the positions of the answer, then padding by the end token.

    Attributes:
        tokens: int64 [N, L]; the reference stands at the positions of the answer, end tokens where there is none.
        editable: bool [N, L], the positions of the answer.
        known: bool [N], there is a reference.
        difficulty: float32 [N, D], the named columns, NaN where a row has no number.
        row: [N] objects, the columns of each row with `prompt` and `answer`, as the checker gets them.
    """

    tokens: np.ndarray
    editable: np.ndarray
    known: np.ndarray
    difficulty: np.ndarray
    row: np.ndarray

    def __len__(self) -> int:
        return len(self.tokens)


@dataclass(frozen=True)
class AnswerSpan:
    """How a prompt and its answer share a sequence.

    Attributes:
        length: L, tokens of the sequence.
        answer_length: positions that are open after the prompt.
        ends: an answer may be shorter and ends with the end token, which fills the rest of its positions; otherwise
            every answer has exactly `answer_length` tokens.

    Raises:
        ValueError: no room for an answer and one token of a prompt.
    """

    length: int
    answer_length: int
    ends: bool = True

    def __post_init__(self) -> None:
        if not 1 <= self.answer_length < self.length:
            raise ValueError(
                f"answer_length={self.answer_length} and length={self.length}: an answer has at least 1 token and is "
                "shorter than the sequence, which holds the prompt too"
            )

    def sequence(self, row: Mapping[str, Any], tokenizer: Tokenizer) -> tuple[np.ndarray, np.ndarray]:
        """Tokens [L] and which of them are open [L].

        Raises:
            TooLongError: a prompt or an answer that does not fit.
            ValueError: an answer of another length where the length is fixed.
        """
        prompt, answer = tokenizer.encode(row["prompt"].encode()), tokenizer.encode((row["answer"] or "").encode())
        room = self.length - self.answer_length
        if len(prompt) > room or len(answer) > self.answer_length:
            raise TooLongError(len(prompt), len(answer))
        if row["answer"] is not None and not self.ends and len(answer) != self.answer_length:
            raise ValueError(
                f"the answer {row['answer']!r:.60} has {len(answer)} tokens; without an end token every answer has "
                f"{self.answer_length} (set task.ends=true, or another task.answer_length)"
            )
        tokens, editable = np.full(self.length, tokenizer.end, np.int64), np.zeros(self.length, bool)
        tokens[: len(prompt)] = prompt
        tokens[len(prompt) : len(prompt) + len(answer)] = answer
        editable[len(prompt) : len(prompt) + self.answer_length] = True
        return tokens, editable


class TooLongError(ValueError):
    """A prompt of `prompt` tokens and an answer of `answer` tokens that do not fit."""

    def __init__(self, prompt: int, answer: int):
        super().__init__(f"the prompt has {prompt} tokens and the answer {answer}, which do not fit")
        self.prompt, self.answer = prompt, answer


def prompts_of(
    rows: Sequence[Mapping[str, Any]],
    sequences: Sequence[tuple[np.ndarray, np.ndarray]],
    difficulty: Sequence[str],
) -> Prompts:
    """The rows and their sequences in columns."""
    held = np.empty(len(rows), object)
    held[:] = rows
    numbers = [[np.nan if row.get(name) is None else row[name] for name in difficulty] for row in rows]
    return Prompts(
        tokens=np.stack([tokens for tokens, _ in sequences]),
        editable=np.stack([editable for _, editable in sequences]),
        known=np.array([row["answer"] is not None for row in rows]),
        difficulty=np.array(numbers, np.float32).reshape(len(rows), len(difficulty)),
        row=held,
    )
