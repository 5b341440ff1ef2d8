"""3-SAT: values of variables under which every clause has a true literal."""

from dataclasses import dataclass, field
from pathlib import Path

import torch
from torch import Tensor

from adaptive_diffusion.core.layout import GridLayout
from adaptive_diffusion.core.measures import AnswerMeasure
from adaptive_diffusion.core.query import Queries
from adaptive_diffusion.tasks.satisfiability.board import Board, satisfied
from adaptive_diffusion.tasks.satisfiability.formulas import WIDTH, Formulas, Size
from adaptive_diffusion.tasks.satisfiability.readers import read_formulas
from adaptive_diffusion.tasks.satisfiability.solver import hardness
from adaptive_diffusion.tasks.task import Correctness, Difficulty, QueryFile, Task


@dataclass(frozen=True)
class SatisfiabilityTask(Task):
    """3-SAT of a `size`; the problems are `Formulas`, a sequence is a `Board`.

    Any assignment that satisfies all clauses is valid; exact is the first one in order.
    """

    size: Size = field(default_factory=Size)
    noun = "formula"
    difficulties = (
        Difficulty("conflicts", "conflicts of MiniSat"),
        Difficulty("frozen", "variables with one possible value"),
    )
    columns = (AnswerMeasure("satisfied", "clauses satisfied", percent=True, decimals=1),)

    @property
    def board(self) -> Board:
        """Tokens and places."""
        return Board(self.size)

    @property
    def name(self) -> str:
        return f"satisfiability_{self.size.variables}"

    @property
    def length(self) -> int:
        return self.board.length

    @property
    def vocabulary(self) -> int:
        return len(self.board.symbols)

    @property
    def positions(self) -> Tensor:
        """Line, column and clause of every place, int64 [L, 3]."""
        places = torch.arange(self.length)
        return torch.stack([places // self.board.columns, places % self.board.columns, places // WIDTH], 1)

    @property
    def layout(self) -> GridLayout:
        """The board, a clause in each box."""
        return GridLayout(self.board.lines, self.board.columns, 1, WIDTH, self.board.symbols)

    def queries(self, problems: Formulas) -> Queries:
        open_places = self.board.open.expand(len(problems), -1)
        return Queries.of(torch.where(open_places, self.vocabulary, self.board.tokens(problems)), open_places)

    def targets(self, problems: Formulas) -> Tensor:
        return self.board.tokens(problems)

    def verify(self, answers: Tensor, problems: Formulas) -> Correctness:
        reference = self.board.tokens(problems).to(answers)
        stands = ((answers == reference) | self.board.open.to(answers.device)).all(1)
        assignment, written = self.board.assignment(answers)
        held = satisfied(problems.clauses.to(answers), assignment)
        valid = held.all(1) & written & stands
        return Correctness((answers == reference).all(1), valid, columns={"satisfied": held.float().mean(1)})

    def difficulty(self, problems: Formulas) -> dict[str, Tensor]:
        """Conflicts of a solver, and how many variables have the same value in all satisfying assignments."""
        pairs = zip(problems.clauses.cpu().numpy(), problems.assignment.cpu().numpy(), strict=True)
        found = torch.tensor([hardness(*pair) for pair in pairs]).view(-1, 2)
        return {"conflicts": found[:, 0], "frozen": found[:, 1]}

    def read(self, path: Path, skip_bad: bool) -> QueryFile:
        return read_formulas(path, self.size, skip_bad)

    def decode(self, tokens: Tensor) -> str:
        """The assignment as a line of DIMACS, `?` where a variable has no value."""
        n = self.size.variables
        assignment, negated = tokens[:n] == torch.arange(n), tokens[:n] == n + torch.arange(n)
        values = [
            "?" if not yes and not no else str(v if yes else -v)
            for v, yes, no in zip(range(1, n + 1), assignment.tolist(), negated.tolist(), strict=True)
        ]
        return f"v {' '.join(values)} 0"
