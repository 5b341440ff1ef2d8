"""Formulas of clauses with at most three literals, in columns."""

from dataclasses import dataclass

from torch import Tensor

from adaptive_diffusion.core.rows import Rows

WIDTH = 3  # literals of a clause
MOST_VARIABLES = 200


@dataclass(frozen=True)
class Size:
    """How large the formulas are.

    Attributes:
        variables: n, numbered from 1.
        clauses: m, the largest number of clauses. Formulas are hardest around m = 4.26 n, where about half of them can
            be satisfied when n is large (Mitchell, Selman and Levesque, AAAI 1992).

    Raises:
        ValueError: fewer than 3 variables, no clause, or more clauses than differ.
    """

    variables: int = 9
    clauses: int = 38

    def __post_init__(self) -> None:
        n = self.variables
        if not WIDTH <= n <= MOST_VARIABLES:
            raise ValueError(f"a formula has {WIDTH} to {MOST_VARIABLES} variables, not {n}")
        if not 1 <= self.clauses <= 8 * n * (n - 1) * (n - 2) // 6:
            raise ValueError(
                f"{self.clauses} clauses are too few or too many for {n} variables; use about {4.26 * n:.0f}"
            )


@dataclass(frozen=True)
class Formulas(Rows):
    """N formulas that can be satisfied.

    Attributes:
        clauses: int64 [N, m, 3], the literals v or −v of variables v in 1..n; 0 where a clause has fewer, and in
            clauses that a formula does not have.
        assignment: bool [N, n], the first assignment that satisfies it, where false comes before true and variable 1
            decides before variable 2.
    """

    clauses: Tensor
    assignment: Tensor

    def __len__(self) -> int:
        return len(self.clauses)
