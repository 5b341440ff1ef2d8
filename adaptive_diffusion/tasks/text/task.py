"""Text as a task: what is open is written, code must parse."""

from dataclasses import dataclass, field
from pathlib import Path

import torch
from torch import Tensor

from adaptive_diffusion.core.query import Queries
from adaptive_diffusion.tasks.task import Correctness
from adaptive_diffusion.tasks.text.infilling import parses
from adaptive_diffusion.tasks.text.infilling_problems import InfillingProblems
from adaptive_diffusion.tasks.text.query_files import TextFile, read_texts
from adaptive_diffusion.tasks.text.tokenizer import ByteTokenizer, Tokenizer


@dataclass(frozen=True)
class TextTask:
    """TrainingStates of `length` tokens; the problems are `InfillingProblems`. See ``tasks.task.Task``."""

    length: int
    tokenizer: Tokenizer = field(default_factory=ByteTokenizer)

    @property
    def name(self) -> str:
        return f"text_{self.length}"

    @property
    def clean_tokens(self) -> int:
        return self.tokenizer.size

    @property
    def positions(self) -> Tensor:
        """Places in reading order, int64 [L, 1]."""
        return torch.arange(self.length)[:, None]

    def queries(self, problems: InfillingProblems) -> Queries:
        return Queries.of(torch.from_numpy(problems.tokens), torch.from_numpy(problems.editable))

    def read(self, path: Path, skip_bad: bool) -> TextFile:
        return read_texts(path, self.tokenizer, self.length, skip_bad)

    def verify(self, answers: Tensor, problems: InfillingProblems) -> Correctness:
        """Exact: the reference token by token. Valid: what was given stands, and the code in scope parses."""
        tokens, editable = torch.from_numpy(problems.tokens).to(answers), torch.from_numpy(problems.editable)
        same, kept = answers == tokens, ~editable.to(answers.device)
        sound = [
            start == stop or parses(self.tokenizer.decode(row[start:stop]))
            for row, (start, stop) in zip(answers.tolist(), problems.scope.tolist(), strict=True)
        ]
        exact = same.all(1) & torch.from_numpy(problems.known).to(answers.device)
        return Correctness((same | ~kept).all(1) & torch.tensor(sound, device=answers.device), exact)

    def targets(self, problems: InfillingProblems) -> Tensor | None:
        return torch.from_numpy(problems.tokens) if problems.known.all() else None

    def difficulty(self, problems: InfillingProblems) -> dict[str, Tensor]:
        open_tokens = torch.from_numpy(problems.editable).sum(1)
        return {"surprise": torch.from_numpy(problems.surprise), "open": open_tokens}

    def decode(self, tokens: Tensor) -> str:
        """The text up to its padding, ``␃`` where it ends."""
        shown, row = [], tokens.tolist()
        while len(row) > 1 and row[-1] == row[-2] == self.tokenizer.end:
            row.pop()
        start = 0
        for place, token in enumerate([*row, self.tokenizer.end]):
            if token == self.tokenizer.end:
                shown.append(self.tokenizer.decode(row[start:place]).decode("utf-8", "backslashreplace"))
                start = place + 1
        return "␃".join(shown)
