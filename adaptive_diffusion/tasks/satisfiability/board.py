"""Formulas as tokens: the assignment in the first line, and clause after clause of three literals behind it.

A token is a literal: v is token v − 1, ¬v is token n + v − 1, and 2n is the blank. The assignment is written as the n
literals that are true, so that a clause is satisfied when one of its tokens stands in the first line.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from adaptive_diffusion.tasks.satisfiability.formulas import WIDTH, Formulas, Size


@dataclass(frozen=True)
class Board:
    """Tokens and places of formulas of some size."""

    size: Size

    @property
    def columns(self) -> int:
        """The number of variables, rounded up to entire clauses."""
        return -(-self.size.variables // WIDTH) * WIDTH

    @property
    def lines(self) -> int:
        """The line of the assignment and those of the clauses."""
        return 1 + -(-self.size.clauses * WIDTH // self.columns)

    @property
    def length(self) -> int:
        """L."""
        return self.lines * self.columns

    @property
    def blank(self) -> int:
        """The token of a place that holds no literal."""
        return 2 * self.size.variables

    @property
    def symbols(self) -> tuple[str, ...]:
        """What each token is shown as."""
        names = [str(variable) for variable in range(1, self.size.variables + 1)]
        return (*names, *("¬" + name for name in names), " ")

    @property
    def open(self) -> Tensor:
        """bool [L], which places are to be written."""
        return torch.arange(self.length) < self.size.variables

    def tokens(self, formulas: Formulas) -> Tensor:
        """Boards with their assignments, int64 [N, L]."""
        n, clauses = self.size.variables, formulas.clauses.flatten(1)
        board = torch.full((len(formulas), self.length), self.blank, device=clauses.device)
        names = torch.arange(n, device=clauses.device)
        board[:, :n] = torch.where(formulas.assignment, names, n + names)
        literals = torch.where(clauses > 0, clauses - 1, n - 1 - clauses).where(clauses != 0, self.blank)
        board[:, self.columns : self.columns + clauses.shape[1]] = literals
        return board

    def assignment(self, tokens: Tensor) -> tuple[Tensor, Tensor]:
        """The values bool [R, n] that boards [R, L] hold, and which rows hold a literal of each variable at its place,
        bool [R]."""
        n = self.size.variables
        written, names = tokens[:, :n], torch.arange(n, device=tokens.device)
        return written == names, ((written == names) | (written == n + names)).all(1)


def satisfied(clauses: Tensor, assignment: Tensor) -> Tensor:
    """bool [R, m]: which clauses [R, m, 3] hold under assignments bool [R, n]; a clause without literals holds."""
    values = assignment[:, None].expand(-1, clauses.shape[1], -1).gather(2, clauses.abs().clamp(min=1) - 1)
    return ((clauses != 0) & (values == (clauses > 0))).any(2) | (clauses == 0).all(2)
