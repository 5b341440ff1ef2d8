"""Prompts as a task: the answer is written after the prompt, and a checker grades its text."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from adaptive_diffusion.core.layout import TextLayout
from adaptive_diffusion.core.measures import AnswerMeasure, Difficulty
from adaptive_diffusion.core.query import Queries
from adaptive_diffusion.tasks.lines import NAMED
from adaptive_diffusion.tasks.prompts.checkers import Checker, Exact, graded
from adaptive_diffusion.tasks.prompts.prompts import AnswerSpan, Prompts, TooLongError, prompts_of
from adaptive_diffusion.tasks.prompts.sources import Columns, PromptFile
from adaptive_diffusion.tasks.task import Correctness, QueryFile, Task
from adaptive_diffusion.tasks.text.tokenizer import ByteTokenizer, Tokenizer, shown_text, symbol_layout


@dataclass(frozen=True)
class Read:
    """Rows that were read.

    Attributes:
        prompts: those that can be used; None where there is none.
        skipped: a sentence for each that cannot be used.
        too_long: tokens of prompt and answer, [n, 2], of those that do not fit; they are left out too.
    """

    prompts: Prompts | None
    skipped: tuple[str, ...]
    too_long: np.ndarray


@dataclass(frozen=True)
class PromptTask(Task):
    """Prompts and answers in sequences of `span.length` tokens; the problems are `Prompts`.

    Exact: the text of the answer is the reference. Score: of the checker. Valid: the score is 1. Text after the first
    end token does not count.
    """

    span: AnswerSpan
    tokenizer: Tokenizer = field(default_factory=ByteTokenizer)
    checker: Checker = field(default_factory=Exact)
    names: Columns = field(default_factory=Columns)
    headline = "score"
    noun = "prompt"
    columns = (AnswerMeasure("token_accuracy", "tokens right", percent=True, decimals=1),)

    @property
    def name(self) -> str:
        return f"prompts_{self.span.length}"

    @property
    def length(self) -> int:
        return self.span.length

    @property
    def vocabulary(self) -> int:
        return self.tokenizer.size

    @property
    def difficulties(self) -> tuple[Difficulty, ...]:
        """The named columns, then the length of the prompt; groups are quarters."""
        named = tuple(Difficulty(name, name.replace("_", " "), decimals=2) for name in self.names.difficulty)
        return (*named, Difficulty("prompt_tokens", "tokens of the prompt"))

    @property
    def layout(self) -> TextLayout:
        """Running text, each token as the tokeniser decodes it."""
        return symbol_layout(self.tokenizer)

    def queries(self, problems: Prompts) -> Queries:
        return Queries.of(torch.from_numpy(problems.tokens), torch.from_numpy(problems.editable))

    def targets(self, problems: Prompts) -> Tensor | None:
        return torch.from_numpy(problems.tokens) if problems.known.all() else None

    def verify(self, answers: Tensor, problems: Prompts) -> Correctness:
        texts = self.answers(answers, problems)
        known = torch.from_numpy(problems.known)
        found = [self._grade(text, row) for text, row in zip(texts, problems.row, strict=True)]
        score = torch.tensor([score for score, _ in found])
        tokens, editable = torch.from_numpy(problems.tokens), torch.from_numpy(problems.editable)
        same = answers.cpu() == tokens
        retained = (same | editable).all(1)
        right = ((same & editable).sum(1) / editable.sum(1)).where(known, torch.nan)
        columns = {
            "exact": torch.tensor([exact for _, exact in found], dtype=torch.bool) & retained,
            "valid": (score >= 1) & retained,
            "score": score.where(retained, 0.0),
        }
        device = answers.device
        return Correctness(
            **{name: column.to(device) for name, column in columns.items()},
            columns={"token_accuracy": right.float().to(device)},
            has_reference=known.to(device),
            has_checker=known.to(device),
        )

    def _grade(self, text: str, row: Mapping[str, Any]) -> tuple[float, bool]:
        return (0.0, False) if row["answer"] is None else (graded(self.checker, text, row), text == row["answer"])

    def answers(self, answers: Tensor, problems: Prompts) -> list[str]:
        """The texts of answers [R, L] up to their first end token."""
        rows = zip(answers.cpu().numpy(), problems.editable, strict=True)
        return [self._text(tokens[editable]) for tokens, editable in rows]

    def _text(self, tokens: np.ndarray) -> str:
        ends = np.flatnonzero(tokens == self.tokenizer.end)
        written = tokens[: ends[0]] if len(ends) else tokens
        return self.tokenizer.decode(written.tolist()).decode("utf-8", "replace")

    def difficulty(self, problems: Prompts) -> dict[str, Tensor]:
        named = {name: torch.from_numpy(problems.difficulty[:, i]) for i, name in enumerate(self.names.difficulty)}
        begin = torch.from_numpy(problems.editable).int().argmax(1)
        return {**named, "prompt_tokens": begin}

    def read(self, path: Path, skip_bad: bool) -> QueryFile:
        """The prompts of a `.jsonl`, `.csv` or `.tsv` file, with or without answers; the notes count those that are
        too long, which are left out."""
        file, bad = PromptFile(str(path)), []
        found = self.prompts(file.readable(bad), needs_answer=False)
        skipped = (*bad, *found.skipped)
        listed = "".join(f"\n  {sentence}" for sentence in skipped[:NAMED])
        if skipped and not skip_bad:
            raise ValueError(f"{path} has bad rows, `--skip-bad` goes on without them:{listed}")
        if found.prompts is None:
            why = self.too_long(found, len(skipped))
            raise ValueError(f"{path} holds no prompt that can be used. {why}".strip() + listed)
        notes = [self.too_long(found, len(found.prompts))]
        if missing := int((~found.prompts.known).sum()):
            notes.append(f"{missing} of {len(found.prompts)} prompts have no answer, and theirs are not checked.")
        return QueryFile(found.prompts, skipped, tuple(filter(None, notes)))

    def prompts(self, rows: Iterable[tuple[str, Mapping[str, Any]]], needs_answer: bool) -> Read:
        """Named rows as sequences."""
        taken, sequences, skipped, too_long = [], [], [], []
        for name, found in rows:
            try:
                row = self.names.row(found, needs_answer)
                sequences.append(self.span.sequence(row, self.tokenizer))
                taken.append(row)
            except TooLongError as error:
                too_long.append((error.prompt, error.answer))
            except ValueError as error:
                skipped.append(f"{name}: {error}")
        made = prompts_of(taken, sequences, self.names.difficulty) if taken else None
        return Read(made, tuple(skipped), np.array(too_long, np.int64).reshape(-1, 2))

    def too_long(self, found: Read, others: int) -> str:
        """A sentence about the rows that do not fit, and what would hold them; empty where all fit."""
        if not len(found.too_long):
            return ""
        prompt, answer = found.too_long.max(0)
        answer = max(answer, self.span.answer_length)
        return (
            f"{len(found.too_long)} of {others + len(found.too_long)} prompts do not fit {self.span.length} tokens "
            f"with {self.span.answer_length} for the answer and are left out; task.length={prompt + answer} and "
            f"task.answer_length={answer} would hold all of them."
        )

    def decode(self, tokens: Tensor) -> str:
        """The text of prompt and answer up to the padding, the end token as ``␃``."""
        return shown_text(tokens.tolist(), self.tokenizer)
