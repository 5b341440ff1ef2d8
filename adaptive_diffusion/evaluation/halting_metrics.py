"""What a halting rule could have saved, and what chance would have done at the same cost.

Everything here reads one table: what each query would answer and have cost if it were stopped after each step; and
`steps` int [R], the step after which the rule stopped each row, 1 to T. The controls need rows that were recorded past
their halting point; the other measures look at no later column.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from adaptive_diffusion.evaluation.calibration import auroc, calibration_error
from adaptive_diffusion.evaluation.correlation import spearman
from adaptive_diffusion.evaluation.intervals import Interval, bootstrap, mean, paired_difference, ratio_of_sums

SHUFFLES = 100


@dataclass(frozen=True)
class StoppingTable:
    """Answers and costs of R queries, stopped after each of T steps (column t − 1); a row's last step holds on.

    Attributes:
        quality: float [R, T] in 0..1, of the answer.
        cost: float [R, T], forwards spent; a row that ended by itself spends no more.
    """

    quality: np.ndarray
    cost: np.ndarray

    def __len__(self) -> int:
        return len(self.quality)

    @property
    def longest(self) -> int:
        """T."""
        return self.quality.shape[1]

    def take(self, rows: np.ndarray) -> "StoppingTable":
        """Some of the rows."""
        return StoppingTable(self.quality[rows], self.cost[rows])

    def at(self, steps: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Quality and cost [R] of stopping each row after its step.

        Raises:
            ValueError: steps outside 1..T.
        """
        if len(steps) and not 1 <= steps.min() <= steps.max() <= self.longest:
            raise ValueError(f"steps run from {steps.min()} to {steps.max()}, the table holds 1 to {self.longest}")
        index = steps[:, None] - 1
        quality, cost = (np.take_along_axis(values, index, axis=1)[:, 0] for values in (self.quality, self.cost))
        return quality.astype(np.float64), cost.astype(np.float64)

    def until(self, steps: np.ndarray) -> np.ndarray:
        """Quality [R, T] of the columns up to each row's step, −1 behind it."""
        self.at(steps)
        return np.where(np.arange(self.longest) < steps[:, None], self.quality, -1.0)


def hindsight_oracle(table: StoppingTable, steps: np.ndarray) -> np.ndarray:
    """Steps [R] at which a rule with hindsight would stop: where the answer is best for the first time, up to the step
    of the rule. What is never right within those steps is given up at once, after the first."""
    return table.until(steps).argmax(1) + 1


def regret_to_oracle(table: StoppingTable, steps: np.ndarray, seed: int = 0) -> Interval:
    """Mean cost of the rule over mean cost of the hindsight oracle, minus 1, over queries drawn with replacement."""
    ratio = bootstrap(ratio_of_sums, table.at(steps)[1], table.at(hindsight_oracle(table, steps))[1], seed=seed)
    return Interval(*(end - 1 for end in ratio))


def overthinking(table: StoppingTable, steps: np.ndarray) -> np.ndarray:
    """Bool [R]: after some earlier step the answer was better than the one the rule stopped with."""
    return table.until(steps).max(1) > table.at(steps)[0]


def given_up(table: StoppingTable, steps: np.ndarray) -> np.ndarray:
    """Bool [R]: the rule stopped before the row's end with an answer that is not right."""
    quality, cost = table.at(steps)
    return (quality < 1) & (cost < table.cost[:, -1])


def matched_fixed(table: StoppingTable, steps: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Expected quality and cost [R] of the same number of steps for every row, at the rule's own mean cost."""
    return _at_equal_cost(
        table, steps, lambda extra: table.at(np.full(len(table), np.clip(1 + extra, 1, table.longest)))
    )


def random_halting(table: StoppingTable, steps: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Expected quality and cost [R] if every row drew its step from the histogram of `steps`, at the rule's own mean
    cost. This is the exact expectation, so no seed enters it."""
    histogram = np.bincount(steps - 1, minlength=table.longest) / len(steps)
    columns = np.arange(table.longest)

    def later(extra: int) -> tuple[np.ndarray, np.ndarray]:
        at = np.clip(columns + extra, 0, table.longest - 1)
        return table.quality[:, at] @ histogram, table.cost[:, at] @ histogram

    return _at_equal_cost(table, steps, later)


def shuffled_allocation(
    table: StoppingTable, steps: np.ndarray, shuffles: int = SHUFFLES, seed: int = 0
) -> tuple[np.ndarray, np.ndarray]:
    """Mean quality and cost [R] over permutations of the rule's steps among the rows, at the rule's own mean cost."""
    rng = np.random.default_rng(seed)
    permuted = [rng.permutation(steps) for _ in range(shuffles)]

    def later(extra: int) -> tuple[np.ndarray, np.ndarray]:
        found = [table.at(np.clip(one + extra, 1, table.longest)) for one in permuted]
        return np.mean([quality for quality, _ in found], axis=0), np.mean([cost for _, cost in found], axis=0)

    return _at_equal_cost(table, steps, later)


def _at_equal_cost(
    table: StoppingTable, steps: np.ndarray, control: Callable[[int], tuple[np.ndarray, np.ndarray]]
) -> tuple[np.ndarray, np.ndarray]:
    """A control that really spends the rule's mean cost.

    Rows that end by themselves cannot spend all the steps they are given, so a control of the same mean number of steps
    spends another mean cost. Every row is therefore given `extra` steps more (or fewer), and the two neighbouring
    settings between which the rule's cost lies are mixed, each query drawing one of them with the same probability.
    """
    budget = table.at(steps)[1].mean()
    extra = 0
    quality, cost = control(extra)
    while cost.mean() > budget and extra > 1 - table.longest:
        extra -= 1
        quality, cost = control(extra)
    while cost.mean() < budget and extra < table.longest:
        extra += 1
        more, dearer = control(extra)
        if dearer.mean() >= budget:
            share = (budget - cost.mean()) / (dearer.mean() - cost.mean())
            return (1 - share) * quality + share * more, (1 - share) * cost + share * dearer
        quality, cost = more, dearer
    return quality, cost


def gains_over_chance(table: StoppingTable, steps: np.ndarray, seed: int = 0) -> dict[str, Interval]:
    """Quality over each control's at the rule's own mean cost, paired by row: `gain_over_fixed`, `gain_over_random`,
    `gain_over_shuffle`."""
    quality = table.at(steps)[0]
    controls = {
        "fixed": matched_fixed(table, steps),
        "random": random_halting(table, steps),
        "shuffle": shuffled_allocation(table, steps, seed=seed),
    }
    return {f"gain_over_{name}": paired_difference(quality, found[0], seed=seed) for name, found in controls.items()}


@dataclass(frozen=True)
class CounterfactualRollouts:
    """Queries that a rule would have stopped, recorded without stopping: a row of the table for each `query` [N]."""

    query: np.ndarray
    table: StoppingTable

    def of(self, query: np.ndarray) -> StoppingTable:
        """The rows of those queries. Raises `ValueError` where one was not recorded."""
        order = np.argsort(self.query)
        place = order[np.searchsorted(self.query, query, sorter=order).clip(max=len(order) - 1)]
        if not np.array_equal(self.query[place], query):
            raise ValueError("some queries were not recorded past their halting point; evaluate the sampler again")
        return self.table.take(place)


def halting_summary(
    table: StoppingTable, steps: np.ndarray, probability: np.ndarray, difficulty: np.ndarray, seed: int = 0
) -> dict[str, Interval]:
    """Every measure and control of one halting rule over rows that were recorded past their halting point.

    Args:
        table: what stopping after each step gives.
        steps: int [R], the step the rule stopped after.
        probability: [R] of being correct, as the rule predicted it there.
        difficulty: [R] of the queries.
        seed: of the bootstrap.

    Returns:
        Intervals (95%, queries drawn with replacement) under `correct`, `nfe_mean`, `regret_to_oracle`, `overthinking`,
        `share_given_up`, `cost_spent_on_unsolved` (the share of all forwards spent on queries that end wrong),
        `gain_over_fixed`, `gain_over_random`, `gain_over_shuffle` (each at the rule's own mean cost),
        `auroc_solved_at_halt`, `calibration_error` and `spearman` (of cost and difficulty).
    """
    quality, cost = table.at(steps)
    solved = quality >= 1
    return {
        "correct": bootstrap(mean, quality, seed=seed),
        "nfe_mean": bootstrap(mean, cost, seed=seed),
        "regret_to_oracle": regret_to_oracle(table, steps, seed),
        "overthinking": bootstrap(mean, overthinking(table, steps), seed=seed),
        "share_given_up": bootstrap(mean, given_up(table, steps), seed=seed),
        "cost_spent_on_unsolved": bootstrap(ratio_of_sums, cost * ~solved, cost, seed=seed),
        **gains_over_chance(table, steps, seed),
        "auroc_solved_at_halt": bootstrap(auroc, probability, solved, seed=seed),
        "calibration_error": bootstrap(calibration_error, probability, solved, seed=seed),
        "spearman": spearman(difficulty, cost, seed=seed),
    }
