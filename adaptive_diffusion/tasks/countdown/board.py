"""Problems as tokens: a board of n lines of 5, the numbers in the first and an equation in each of the others.

    86 31 28 13  ·
    86  + 28 = 114
    31  − 13 =  18
   114  − 18 =  96

A token is a number from 0 to the largest result, then + − × ÷, then = and the blank. All of the first line, the signs
of equality and the target at the end are given.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from adaptive_diffusion.tasks.countdown.problems import CountdownProblems, Limits

COLUMNS = 5
SIGNS = "+−×÷"
A, SIGN, B, EQUALS, C = range(COLUMNS)


@dataclass(frozen=True)
class Board:
    """Tokens and places of the problems within some limits."""

    limits: Limits

    @property
    def lines(self) -> int:
        """n: the line of numbers, and n − 1 equations."""
        return self.limits.numbers

    @property
    def columns(self) -> int:
        """5, or more where more numbers are given."""
        return max(COLUMNS, self.limits.numbers)

    @property
    def first_sign(self) -> int:
        """The token of +."""
        return self.limits.largest + 1

    @property
    def symbols(self) -> tuple[str, ...]:
        """What each token is shown as."""
        return (*map(str, range(self.first_sign)), *SIGNS, "=", " ")

    @property
    def open(self) -> Tensor:
        """bool [L], which places are to be written."""
        places = torch.zeros(self.lines, self.columns, dtype=torch.bool)
        places[1:, [A, SIGN, B, C]] = True
        places[-1, C] = False
        return places.flatten()

    def tokens(self, problems: CountdownProblems) -> Tensor:
        """Boards with their derivations, int64 [N, L]."""
        equals, blank = self.first_sign + len(SIGNS), self.first_sign + len(SIGNS) + 1
        board = torch.full((len(problems), self.lines, self.columns), blank, device=problems.numbers.device)
        board[:, 0, : self.limits.numbers] = problems.numbers
        board[:, 1:, EQUALS] = equals
        for part, column in enumerate((A, SIGN, B, C)):
            board[:, 1:, column] = problems.equations[..., part] + (self.first_sign if column == SIGN else 0)
        return board.flatten(1)

    def equations(self, tokens: Tensor) -> Tensor:
        """The equations that boards [R, L] hold, int64 [R, n − 1, 4]; −1 where a token is not of its kind."""
        lines = tokens.unflatten(1, (self.lines, self.columns))[:, 1:]
        board = torch.stack([lines[..., column] for column in (A, SIGN, B, C)], -1)
        values = torch.where((board >= 0) & (board <= self.limits.largest), board, -1)
        values[..., 1] = board[..., 1] - self.first_sign
        return values
