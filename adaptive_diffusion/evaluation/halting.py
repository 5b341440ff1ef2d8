"""What a halting rule could have saved, and what chance would have done with its budget.

Everything here reads one matrix: `solved` bool [R, T], is row r's answer right if it stops after step t (column t − 1)?
and `steps` int [R], the step after which the rule stopped each row, 1 to T. Steps all cost the same, say one forward.
The controls need rows that were recorded past their halting point; the other measures look at no later column.
"""

import numpy as np


def hindsight_oracle(solved: np.ndarray, steps: np.ndarray) -> np.ndarray:
    """Steps [R] a rule with hindsight would take for the same answers.

    A row the rule solved stops at the first step from which it stays right; every other stops where it did.
    """
    inside = _inside(solved, steps)
    columns = np.arange(1, solved.shape[1] + 1)
    last_wrong = np.max(columns * (inside & ~solved), axis=1, initial=0)
    return np.where(_at(solved, steps), last_wrong + 1, steps)


def regret(nfe: np.ndarray, oracle_nfe: np.ndarray) -> float:
    """Mean NFE of the rule over mean NFE of the hindsight oracle, minus 1."""
    return float(np.mean(nfe) / np.mean(oracle_nfe) - 1)


def overthinking(solved: np.ndarray, steps: np.ndarray) -> np.ndarray:
    """Bool [R]: the row was right after some step and wrong when it stopped."""
    return (_inside(solved, steps) & solved).any(1) & ~_at(solved, steps)


def random_halting(solved: np.ndarray, steps: np.ndarray) -> np.ndarray:
    """P(right) [R] if each row drew its step from the histogram of `steps`: the same mean NFE, given blindly.

    This is the exact expectation, so no seed enters it.
    """
    histogram = np.bincount(_checked(solved, steps) - 1, minlength=solved.shape[1]) / len(steps)
    return solved @ histogram


def shuffled_allocation(solved: np.ndarray, steps: np.ndarray, shuffles: int = 100, seed: int = 0) -> np.ndarray:
    """Share of right answers [R] over `shuffles` permutations of the rule's own steps among the rows.

    Its mean is that of `random_halting`; the multiset of steps is kept exactly.
    """
    rng = np.random.default_rng(seed)
    _checked(solved, steps)
    return np.mean([_at(solved, rng.permutation(steps)) for _ in range(shuffles)], axis=0)


def _checked(solved: np.ndarray, steps: np.ndarray) -> np.ndarray:
    if len(steps) and not 1 <= steps.min() <= steps.max() <= solved.shape[1]:
        raise ValueError(f"steps run from {steps.min()} to {steps.max()}, the matrix holds 1 to {solved.shape[1]}")
    return steps


def _at(solved: np.ndarray, steps: np.ndarray) -> np.ndarray:
    return np.take_along_axis(solved, _checked(solved, steps)[:, None] - 1, axis=1)[:, 0]


def _inside(solved: np.ndarray, steps: np.ndarray) -> np.ndarray:
    return np.arange(solved.shape[1]) < _checked(solved, steps)[:, None]
