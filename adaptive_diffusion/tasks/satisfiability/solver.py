"""MiniSat by python-sat (Ignatiev, Morgado and Marques-Silva, SAT 2018): first assignments and difficulty."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

SOLVER = "minisat22"
MISSING = "3-SAT needs python-sat, an extra of this package; install it: pip install 'adaptive-diffusion[tasks]'"


@contextmanager
def solver_of(clauses: np.ndarray) -> Iterator[Any]:
    """A solver of clauses [m, 3], zeros left out.

    Raises:
        ModuleNotFoundError: python-sat is not installed; the message has the command.
    """
    try:
        from pysat.solvers import Solver  # an extra, which no other task needs
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(MISSING) from error
    literals = [[int(literal) for literal in clause if literal] for clause in clauses]
    with Solver(name=SOLVER, bootstrap_with=[clause for clause in literals if clause]) as solver:
        yield solver


def first_assignment(clauses: np.ndarray, variables: int) -> np.ndarray | None:
    """The first assignment, bool [n], that satisfies clauses [m, 3]; None where no assignment does.

    False comes before true, and variable 1 decides before variable 2, so that every solver finds the same.
    """
    with solver_of(clauses) as solver:
        if not solver.solve():
            return None
        true = _true(solver)
        fixed: list[int] = []
        for variable in range(1, variables + 1):
            if variable in true and solver.solve(assumptions=[*fixed, -variable]):
                true = _true(solver)
            fixed.append(variable if variable in true else -variable)
    return np.array(fixed) > 0


def hardness(clauses: np.ndarray, assignment: np.ndarray) -> tuple[int, int]:
    """Conflicts of a fresh MiniSat on clauses [m, 3], and how many variables have the same value in all assignments."""
    with solver_of(clauses) as solver:
        solver.solve()
        conflicts = solver.accum_stats()["conflicts"]
        opposites = [-variable if value else variable for variable, value in enumerate(assignment, 1)]
        frozen = sum(not solver.solve(assumptions=[literal]) for literal in opposites)
    return conflicts, frozen


def _true(solver: Any) -> set[int]:
    return {literal for literal in solver.get_model() if literal > 0}
