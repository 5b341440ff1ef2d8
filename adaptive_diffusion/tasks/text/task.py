"""Text as a task: what is open is written; a checker that the user names grades the text."""

from dataclasses import dataclass, field
from itertools import compress
from pathlib import Path

import torch
from torch import Tensor

from adaptive_diffusion.core.layout import TextLayout
from adaptive_diffusion.core.measures import HEADLINES, AnswerMeasure, Difficulty, Headline
from adaptive_diffusion.core.query import Queries
from adaptive_diffusion.tasks.task import Correctness, QueryFile, Task
from adaptive_diffusion.tasks.text.checkers import TextChecker, graded_text
from adaptive_diffusion.tasks.text.edits import TextEditor
from adaptive_diffusion.tasks.text.infilling_problems import InfillingProblems
from adaptive_diffusion.tasks.text.query_files import read_texts
from adaptive_diffusion.tasks.text.tokenizer import ByteTokenizer, Tokenizer, shown_text, symbol_layout


@dataclass(frozen=True)
class TextTask(Task):
    """Text of `length` tokens; the problems are `InfillingProblems`.

    Attributes:
        length: L, tokens of a sequence.
        tokenizer: text to tokens.
        checker: grades the text in the scope of a problem; without one, validity and score are not known.
        headline: what makes an answer correct; `exact`, equal to the reference, by default.
        lines: each line of a file of queries is a text.

    Raises:
        ValueError: a headline that does not exist, or needs a checker where there is none.
    """

    length: int
    tokenizer: Tokenizer = field(default_factory=ByteTokenizer)
    checker: TextChecker | None = None
    headline: Headline = "exact"
    lines: bool = False
    noun = "text"
    difficulties = (
        Difficulty("surprise", "bytes that the open text adds when compressed"),
        Difficulty("open", "open tokens"),
    )
    columns = (AnswerMeasure("token_accuracy", "tokens right", percent=True, decimals=1),)

    def __post_init__(self) -> None:
        if self.headline not in HEADLINES:
            raise ValueError(f"the headline is one of {', '.join(HEADLINES)}, not {self.headline!r}")
        if self.headline != "exact" and self.checker is None:
            raise ValueError(f"the headline {self.headline} needs a checker: name one (task.checker=…)")

    @property
    def name(self) -> str:
        return f"text_{self.length}"

    @property
    def vocabulary(self) -> int:
        return self.tokenizer.size

    @property
    def layout(self) -> TextLayout:
        """Running text, each token as the tokeniser decodes it."""
        return symbol_layout(self.tokenizer)

    @property
    def editor(self) -> TextEditor:
        """Spans of any text are edited."""
        return TextEditor(self.tokenizer, self.length)

    def queries(self, problems: InfillingProblems) -> Queries:
        return Queries.of(torch.from_numpy(problems.tokens), torch.from_numpy(problems.editable))

    def read(self, path: Path, skip_bad: bool) -> QueryFile:
        return read_texts(path, self.tokenizer, self.length, skip_bad, self.lines)

    def verify(self, answers: Tensor, problems: InfillingProblems) -> Correctness:
        """Exact: the reference token by token. Score: of the checker, on the text in scope; 0 where what was given has
        changed or what was open is left blank. Valid: the score is 1. Token accuracy: the share of open tokens that are
        the reference's."""
        tokens, editable, known, scope = (
            torch.from_numpy(column).to(answers.device)
            for column in (problems.tokens, problems.editable, problems.known, problems.scope)
        )
        same, checked = answers == tokens, (scope[:, 0] < scope[:, 1]) & (self.checker is not None)
        scores = torch.tensor(self._scores(answers, problems), device=answers.device)
        score = torch.where((same | editable).all(1), scores, 0.0)
        right = (same & editable).sum(1) / editable.sum(1)
        return Correctness(
            exact=same.all(1) & known,
            valid=score >= 1,
            score=None if self.checker is None else score,
            columns={"token_accuracy": right.where(known, torch.nan)},
            has_reference=known,
            has_checker=checked,
        )

    def _scores(self, answers: Tensor, problems: InfillingProblems) -> list[float]:
        if self.checker is None:
            return [0.0] * len(answers)
        scores, decode = [], self.tokenizer.decode
        for row, opened, (start, stop) in zip(
            answers.tolist(), problems.editable, problems.scope.tolist(), strict=True
        ):
            written = start < stop and decode(compress(row, opened)).strip()
            scores.append(graded_text(self.checker, decode(row[start:stop])) if written else 0.0)
        return scores

    def targets(self, problems: InfillingProblems) -> Tensor | None:
        return torch.from_numpy(problems.tokens) if problems.known.all() else None

    def difficulty(self, problems: InfillingProblems) -> dict[str, Tensor]:
        open_tokens = torch.from_numpy(problems.editable).sum(1)
        return {"surprise": torch.from_numpy(problems.surprise), "open": open_tokens}

    def decode(self, tokens: Tensor) -> str:
        """The text up to its padding, ``␃`` where it ends."""
        return shown_text(tokens.tolist(), self.tokenizer)
