"""Text as a task: what is open is written, code must parse."""

from dataclasses import dataclass, field
from itertools import compress
from pathlib import Path

import torch
from torch import Tensor

from adaptive_diffusion.core.layout import TextLayout
from adaptive_diffusion.core.measures import Difficulty
from adaptive_diffusion.core.query import Queries
from adaptive_diffusion.tasks.task import Correctness, QueryFile, Task
from adaptive_diffusion.tasks.text.infilling import parses
from adaptive_diffusion.tasks.text.infilling_problems import InfillingProblems
from adaptive_diffusion.tasks.text.query_files import read_texts
from adaptive_diffusion.tasks.text.tokenizer import ByteTokenizer, Tokenizer, shown_text, symbol_layout


@dataclass(frozen=True)
class TextTask(Task):
    """Text of `length` tokens; the problems are `InfillingProblems`."""

    length: int
    tokenizer: Tokenizer = field(default_factory=ByteTokenizer)
    noun = "text"
    difficulties = (
        Difficulty("surprise", "bytes that the open text adds when compressed"),
        Difficulty("open", "open tokens"),
    )

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

    def queries(self, problems: InfillingProblems) -> Queries:
        return Queries.of(torch.from_numpy(problems.tokens), torch.from_numpy(problems.editable))

    def read(self, path: Path, skip_bad: bool) -> QueryFile:
        return read_texts(path, self.tokenizer, self.length, skip_bad)

    def verify(self, answers: Tensor, problems: InfillingProblems) -> Correctness:
        """Exact: the reference token by token. Valid: what was given stands, what was open is not left blank, and the
        code in scope parses; nothing can decide where there is neither a scope nor a reference."""
        tokens, editable = torch.from_numpy(problems.tokens).to(answers), torch.from_numpy(problems.editable)
        editable, known = editable.to(answers.device), torch.from_numpy(problems.known).to(answers.device)
        same, scope = answers == tokens, torch.from_numpy(problems.scope).to(answers.device)
        decode = self.tokenizer.decode
        sound = [
            decode(compress(row, opened)).strip() and (start == stop or parses(decode(row[start:stop])))
            for row, opened, (start, stop) in zip(answers.tolist(), problems.editable, scope.tolist(), strict=True)
        ]
        valid = (same | editable).all(1) & torch.tensor(list(map(bool, sound)), dtype=torch.bool, device=answers.device)
        return Correctness(
            exact=same.all(1) & known,
            valid=valid,
            has_reference=known,
            has_checker=scope[:, 0] < scope[:, 1],
        )

    def targets(self, problems: InfillingProblems) -> Tensor | None:
        return torch.from_numpy(problems.tokens) if problems.known.all() else None

    def difficulty(self, problems: InfillingProblems) -> dict[str, Tensor]:
        open_tokens = torch.from_numpy(problems.editable).sum(1)
        return {"surprise": torch.from_numpy(problems.surprise), "open": open_tokens}

    def decode(self, tokens: Tensor) -> str:
        """The text up to its padding, ``␃`` where it ends."""
        return shown_text(tokens.tolist(), self.tokenizer)
