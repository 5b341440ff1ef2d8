"""Countdown: reach a target from given numbers, each used once, by equations with + − × ÷."""

from dataclasses import dataclass, field
from pathlib import Path

import torch
from torch import Tensor

from adaptive_diffusion.core.layout import GridLayout
from adaptive_diffusion.core.query import Queries
from adaptive_diffusion.tasks.countdown.board import Board
from adaptive_diffusion.tasks.countdown.problems import CountdownProblems, Limits
from adaptive_diffusion.tasks.countdown.readers import read_problems
from adaptive_diffusion.tasks.countdown.solver import solve
from adaptive_diffusion.tasks.countdown.verifier import is_derivation
from adaptive_diffusion.tasks.task import Correctness, Difficulty, QueryFile, Task


@dataclass(frozen=True)
class CountdownTask(Task):
    """Countdown within `limits`; the problems are `CountdownProblems`, a sequence is a `Board`.

    Any right derivation is valid; exact is the one that the problem has as its reference.
    """

    limits: Limits = field(default_factory=Limits)
    noun = "problem"
    difficulties = (
        Difficulty("tried", "equations that a search tries"),
        Difficulty("derivations", "different derivations"),
    )

    @property
    def board(self) -> Board:
        """Tokens and places."""
        return Board(self.limits)

    @property
    def name(self) -> str:
        return f"countdown_{self.limits.numbers}"

    @property
    def length(self) -> int:
        return self.board.lines * self.board.columns

    @property
    def vocabulary(self) -> int:
        return len(self.board.symbols)

    @property
    def positions(self) -> Tensor:
        """Line and column of every place, int64 [L, 2]."""
        places = torch.arange(self.length)
        return torch.stack([places // self.board.columns, places % self.board.columns], 1)

    @property
    def layout(self) -> GridLayout:
        """The lines, a rule under the first."""
        lines, columns = self.board.lines, self.board.columns
        return GridLayout(lines, columns, lines, columns, self.board.symbols)

    def queries(self, problems: CountdownProblems) -> Queries:
        open_places = self.board.open.expand(len(problems), -1)
        tokens = self.board.tokens(problems)
        return Queries.of(torch.where(open_places, self.vocabulary, tokens), open_places)

    def targets(self, problems: CountdownProblems) -> Tensor:
        return self.board.tokens(problems)

    def verify(self, answers: Tensor, problems: CountdownProblems) -> Correctness:
        reference = self.board.tokens(problems).to(answers)
        given = ~self.board.open.to(answers.device)
        stands = ((answers == reference) | ~given).all(1)
        right = is_derivation(self.board.equations(answers), problems.numbers, problems.target, self.limits.largest)
        return Correctness(exact=(answers == reference).all(1), valid=right & stands)

    def difficulty(self, problems: CountdownProblems) -> dict[str, Tensor]:
        """Equations that a depth-first search tries before it has a derivation, and how many derivations there are."""
        found = solve(problems.numbers, problems.target, self.limits.largest)
        return {"tried": found.tried, "derivations": found.counts}

    def read(self, path: Path, skip_bad: bool) -> QueryFile:
        return read_problems(path, self.limits, skip_bad)

    def decode(self, tokens: Tensor) -> str:
        """The equations, line by line, `?` where a token is none."""
        symbols = [self.board.symbols[token] if 0 <= token < self.vocabulary else "?" for token in tokens.tolist()]
        columns = self.board.columns
        lines = [" ".join(symbols[first : first + columns]).rstrip() for first in range(0, self.length, columns)]
        return "\n".join(lines)
