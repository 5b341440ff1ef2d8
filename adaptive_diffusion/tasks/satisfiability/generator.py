"""Random formulas that can be satisfied, in splits that share none."""

import numpy as np
import torch

from adaptive_diffusion.tasks.random_streams import start_rows
from adaptive_diffusion.tasks.satisfiability.formulas import WIDTH, Formulas, Size
from adaptive_diffusion.tasks.satisfiability.kernels import draw_formulas, keys_of
from adaptive_diffusion.tasks.satisfiability.solver import first_assignment
from adaptive_diffusion.tasks.splits import index_of, share_of

MOST_DRAWS = 2_000


def generate(size: Size, count: int, split: str = "train", seed: int = 0, first: int = 0) -> Formulas:
    """Formulas ``first`` to ``first + count − 1`` of the endless list that (size, split, seed) names.

    Each has ``size.clauses`` different random clauses of three different variables; those of another split and those
    that cannot be satisfied are drawn anew. Formula n is the same whatever the range it is generated in.

    Raises:
        ValueError: an unknown split, a negative seed or range, or a size at which hardly any formula can be satisfied.
        ModuleNotFoundError: python-sat is not installed.
    """
    low, high = share_of(split)
    if min(count, seed, first) < 0:
        raise ValueError(f"count, seed and first must not be negative; got {count}, {seed}, {first}")
    states = np.empty(count, dtype=np.uint64)
    start_rows(seed, index_of(split), first, states)
    clauses = np.zeros((count, size.clauses, WIDTH), dtype=np.int64)
    assignments = np.zeros((count, size.variables), dtype=bool)
    pending = np.arange(count)
    for _ in range(MOST_DRAWS):
        draw_formulas(states, pending, size.variables, clauses)
        shares = hashes(clauses[pending], size.variables) % np.uint64(100)
        wanted = (low <= shares) & (shares < high)
        for place in np.flatnonzero(wanted):
            found = first_assignment(clauses[pending[place]], size.variables)
            if found is None:
                wanted[place] = False
            else:
                assignments[pending[place]] = found
        pending = pending[~wanted]
        if not len(pending):
            return Formulas(torch.from_numpy(clauses), torch.from_numpy(assignments))
    raise ValueError(
        f"hardly any formula of {size.clauses} clauses and {size.variables} variables can be satisfied; use fewer "
        "clauses"
    )


def hashes(clauses: np.ndarray, variables: int) -> np.ndarray:
    """uint64 [N], the same for formulas [N, m, 3] that differ only in the names and signs of variables and in order."""
    keys = np.empty(len(clauses), dtype=np.uint64)
    keys_of(np.ascontiguousarray(clauses), variables, keys)
    return keys
