"""What a halting rule could have saved, and what chance would have done with its budget.

Everything here reads one matrix: `solved` bool [R, T], is row r's answer right if it stops after step t (column t − 1)?
and `steps` int [R], the step after which the rule stopped each row, 1 to T. Steps all cost the same, say one forward.
The controls need rows that were recorded past their halting point; the other measures look at no later column.
"""

from dataclasses import dataclass

import numpy as np
from torch import Tensor
from torchmetrics import Metric
from torchmetrics.utilities import dim_zero_cat

from adaptive_diffusion.evaluation.calibration import auroc, calibration_error
from adaptive_diffusion.evaluation.correlation import spearman, tie_ceiling
from adaptive_diffusion.evaluation.intervals import Interval, bootstrap, mean, paired_difference, ratio_of_sums


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


def matched_fixed(solved: np.ndarray, steps: np.ndarray) -> np.ndarray:
    """P(right) [R] if every row stopped after the mean of `steps`, by a coin between the whole numbers around it."""
    budget = _checked(solved, steps).mean()
    low = int(np.floor(budget))
    share = budget - low
    return (1 - share) * solved[:, low - 1] + share * solved[:, min(low, solved.shape[1] - 1)]


def gains_over_chance(solved: np.ndarray, steps: np.ndarray, seed: int = 0) -> dict[str, Interval]:
    """Accuracy over each control's at the rule's own mean steps, paired by row: `gain_over_fixed`, `gain_over_random`,
    `gain_over_shuffle`."""
    exact = _at(solved, steps)
    controls = {
        "fixed": matched_fixed(solved, steps),
        "random": random_halting(solved, steps),
        "shuffle": shuffled_allocation(solved, steps, seed=seed),
    }
    return {f"gain_over_{name}": paired_difference(exact, other, seed=seed) for name, other in controls.items()}


def regret_to_oracle(solved: np.ndarray, steps: np.ndarray, seed: int = 0) -> Interval:
    """`regret` with its interval."""
    ratio = bootstrap(ratio_of_sums, steps, hindsight_oracle(solved, steps), seed=seed)
    return Interval(*(end - 1 for end in ratio))


@dataclass(frozen=True)
class CounterfactualRollouts:
    """Queries that a rule would have stopped, recorded with the rule unheeded: `solved` [N, T] of `query` [N]."""

    query: np.ndarray
    solved: np.ndarray

    def of(self, query: np.ndarray) -> np.ndarray:
        """`solved` [R, T] of those queries. Raises `ValueError` where one was not recorded."""
        order = np.argsort(self.query)
        place = order[np.searchsorted(self.query, query, sorter=order).clip(max=len(order) - 1)]
        if not np.array_equal(self.query[place], query):
            raise ValueError("some queries were not recorded past their halting point; evaluate the sampler again")
        return self.solved[place]


class HaltingSummary(Metric):
    """Every measure and control of one halting rule over rows that were recorded past their halting point.

    `compute()` gives intervals (95%, queries drawn with replacement) under `exact`, `nfe_mean`, `regret_to_oracle`,
    `overthinking`, `gain_over_fixed`, `gain_over_random`, `gain_over_shuffle` (each at the rule's own mean NFE),
    `auroc_solved_at_halt`, `calibration_error`, `spearman`, and the number `tie_ceiling` of the last.
    """

    full_state_update = False

    def __init__(self, seed: int = 0) -> None:
        super().__init__()
        self.seed = seed
        self.solved: list[Tensor]
        self.steps: list[Tensor]
        self.probability: list[Tensor]
        self.difficulty: list[Tensor]
        for state in ("solved", "steps", "probability", "difficulty"):
            self.add_state(state, default=[], dist_reduce_fx="cat")

    def update(self, solved: Tensor, steps: Tensor, probability: Tensor, difficulty: Tensor) -> None:
        """Adds rows: `solved` bool [R, T] with the same T in every call, and [R] each: the step the rule stopped after,
        the probability of being right that it gave there, and the query's difficulty."""
        self.solved.append(solved)
        self.steps.append(steps)
        self.probability.append(probability)
        self.difficulty.append(difficulty)

    def compute(self) -> dict[str, Interval | float]:
        states = self.solved, self.steps, self.probability, self.difficulty
        solved, steps, probability, difficulty = (dim_zero_cat(state).numpy(force=True) for state in states)
        exact = _at(solved, steps)
        return {
            "exact": bootstrap(mean, exact, seed=self.seed),
            "nfe_mean": bootstrap(mean, steps, seed=self.seed),
            "regret_to_oracle": regret_to_oracle(solved, steps, self.seed),
            "overthinking": bootstrap(mean, overthinking(solved, steps), seed=self.seed),
            **gains_over_chance(solved, steps, self.seed),
            "auroc_solved_at_halt": bootstrap(auroc, probability, exact, seed=self.seed),
            "calibration_error": bootstrap(calibration_error, probability, exact, seed=self.seed),
            "spearman": spearman(difficulty, steps, seed=self.seed),
            "tie_ceiling": tie_ceiling(difficulty, steps),
        }


def _checked(solved: np.ndarray, steps: np.ndarray) -> np.ndarray:
    if len(steps) and not 1 <= steps.min() <= steps.max() <= solved.shape[1]:
        raise ValueError(f"steps run from {steps.min()} to {steps.max()}, the matrix holds 1 to {solved.shape[1]}")
    return steps


def _at(solved: np.ndarray, steps: np.ndarray) -> np.ndarray:
    return np.take_along_axis(solved, _checked(solved, steps)[:, None] - 1, axis=1)[:, 0]


def _inside(solved: np.ndarray, steps: np.ndarray) -> np.ndarray:
    return np.arange(solved.shape[1]) < _checked(solved, steps)[:, None]
