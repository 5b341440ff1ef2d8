"""The one way to compare rules: curves of quality against cost.

A rule at several settings is a *curve*: the mean cost and the mean quality of each setting. Between two settings the
curve is what mixing them gives (each query draws one of the two), so it is the least concave function above its points.
Above its dearest setting it stays level, since no query must cost more; below its cheapest setting it is not defined.
Two rules are compared at equal cost and at equal quality along these curves, never setting by setting. A curve takes
the best of its settings, which flatters a rule with many of them: give rules about equally many, at least `ENOUGH`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any

import numpy as np

from adaptive_diffusion.evaluation.answers import ScoredAnswers
from adaptive_diffusion.evaluation.intervals import RESAMPLES, Interval
from adaptive_diffusion.evaluation.resampling import interval_of, resampled_means

GRID = 33
"""Costs at which an area is summed up."""

ENOUGH = 8
"""Settings of a rule from which its curve can be judged."""

NEARLY = 0.005
"""Half a point: a difference of quality that is noise on 2,000 queries."""


@dataclass(frozen=True)
class Comparison:
    """Our curve against another one.

    Attributes:
        ours, theirs: names of the rules.
        gain: quality of ours minus quality of theirs at equal cost, the mean over the costs that both reach.
        costs: those costs, from and to.
        cost_ratio: cost of ours over cost of theirs at the best quality that both reach; below 1 ours is cheaper.
        quality: that quality.
        near_cost_ratio: the same at `NEARLY` less than that quality; at the very best quality a few queries decide.
    """

    ours: str
    theirs: str
    gain: Interval
    costs: tuple[float, float]
    cost_ratio: Interval
    quality: float
    near_cost_ratio: Interval

    def to_json(self) -> dict[str, Any]:
        """The figures as plain values."""
        return {
            "accuracy_gain_at_equal_cost": self.gain.to_json(),
            "costs": list(self.costs),
            "cost_ratio_at_equal_accuracy": self.cost_ratio.to_json(),
            "accuracy": self.quality,
            "cost_ratio_half_a_point_lower": self.near_cost_ratio.to_json(),
        }


class Curves:
    """Rules at several settings on the same queries, resampled together, so that whatever is compared is paired.

    Args:
        answers: for each seed the answers of each sampler. Every seed has the same samplers, and all samplers have the
            same queries, whose variations count by their mean. Samplers of one family are settings of one rule.
        resamples, seed: of the bootstrap over queries and seeds.

    Raises:
        ValueError: no answers, answers of other queries or samplers, or some about which nothing decides.
    """

    def __init__(self, answers: Sequence[Sequence[ScoredAnswers]], resamples: int = RESAMPLES // 2, seed: int = 0):
        table = _table(answers)
        first = answers[0]
        self.names = [one.name for one in first]
        self.families = list(dict.fromkeys(one.family for one in first))
        self.seeds = len(answers)
        self.members = {
            family: np.array([number for number, one in enumerate(first) if one.family == family])
            for family in self.families
        }
        self.value, self.draws = resampled_means(table, resamples, seed)

    @property
    def _cost(self) -> np.ndarray:
        return self.value[0::2]

    @property
    def _quality(self) -> np.ndarray:
        return self.value[1::2]

    def settings(self, family: str) -> list[str]:
        """The samplers of a family, the cheapest first."""
        return [self.names[number] for number in sorted(self.members[family], key=lambda number: self._cost[number])]

    def points(self, family: str) -> tuple[np.ndarray, np.ndarray]:
        """Mean cost and mean quality of the settings of a family, the cheapest first."""
        numbers = self.members[family][np.argsort(self._cost[self.members[family]], kind="stable")]
        return self._cost[numbers], self._quality[numbers]

    def to_json(self) -> dict[str, list[list[float]]]:
        """Family → [cost, quality] of each of its settings, the cheapest first."""
        return {family: np.stack(self.points(family), axis=1).tolist() for family in self.families}

    def cost(self, family: str, quality: float) -> float:
        """The cost at which the curve of a family reaches a quality; NaN where it does not."""
        return float(cost_at(*self._columns(self.value[None], family), np.array([quality]))[0])

    @cached_property
    def rules(self) -> list[str]:
        """The families with at least two settings, whose curves others can be compared with."""
        return [family for family in self.families if len(self.members[family]) > 1]

    def shared_costs(self, families: Sequence[str]) -> tuple[float, float]:
        """The costs that all of these families reach: from the dearest of their cheapest settings on, to the cheapest
        of their dearest ones."""
        ends = [self._cost[self.members[family]] for family in families]
        low = max(float(costs.min()) for costs in ends)
        return low, max(low, min(float(costs.max()) for costs in ends))

    def area(self, family: str, costs: tuple[float, float]) -> Interval:
        """Mean quality of a family over a range of costs, each doubling of the cost counting the same."""

        def statistic(means: np.ndarray) -> np.ndarray:
            return _mean_quality(*self._columns(means, family), costs)

        return interval_of(statistic, self.value, self.draws)

    def compare(self, ours: str, theirs: str) -> Comparison:
        """Our family against another one."""
        costs = self.shared_costs([ours, theirs])

        def gain(means: np.ndarray) -> np.ndarray:
            mine, other = (_mean_quality(*self._columns(means, family), costs) for family in (ours, theirs))
            return mine - other

        def ratio(means: np.ndarray, less: float = 0) -> np.ndarray:
            mine, other = (self._columns(means, family) for family in (ours, theirs))
            target = np.minimum(mine[1].max(1), other[1].max(1)) - less
            return cost_at(*mine, target) / cost_at(*other, target)

        best = min(float(self._quality[self.members[family]].max()) for family in (ours, theirs))
        statistics = gain, ratio, partial(ratio, less=NEARLY)
        gains, ratios, near = (interval_of(statistic, self.value, self.draws) for statistic in statistics)
        return Comparison(ours, theirs, gains, costs, ratios, best, near)

    def _columns(self, means: np.ndarray, family: str) -> tuple[np.ndarray, np.ndarray]:
        """Costs and qualities [R, M] of the settings of a family."""
        numbers = self.members[family]
        return means[:, 2 * numbers], means[:, 2 * numbers + 1]


def drawn_curve(cost: np.ndarray, quality: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Costs and qualities along the curve through settings [M], close enough to be drawn; every setting's cost is among
    them."""
    along = np.union1d(np.geomspace(cost.min(), cost.max(), 200), cost)
    return along, quality_at(cost[None], quality[None], along[None])[0]


def quality_at(cost: np.ndarray, quality: np.ndarray, budget: np.ndarray) -> np.ndarray:
    """The quality that curves reach at costs.

    Args:
        cost, quality: [R, M], M settings of each of R curves.
        budget: [R, B], costs.

    Returns:
        [R, B]; NaN below the cheapest setting of a curve.
    """
    at_cost = cost.min(1, keepdims=True)
    at_quality = np.where(cost == at_cost, quality, -np.inf).max(1, keepdims=True)
    reached = np.where(budget >= at_cost, at_quality, np.nan)
    # From its cheapest setting on, a curve leads to the setting to which it rises most steeply, until no dearer one is
    # better. That takes a pass over the settings for each corner, and not one over all pairs of them for each cost.
    while (better := (cost > at_cost) & (quality > at_quality)).any():
        slope = np.divide(quality - at_quality, cost - at_cost, out=np.full(cost.shape, -1.0), where=better)
        steepest = slope.argmax(1)[:, None]
        goes_on = better.any(1, keepdims=True)
        next_cost = np.where(goes_on, np.take_along_axis(cost, steepest, 1), at_cost)
        next_quality = np.where(goes_on, np.take_along_axis(quality, steepest, 1), at_quality)
        beyond = goes_on & (budget > at_cost)
        share = np.divide(budget - at_cost, next_cost - at_cost, out=np.zeros(budget.shape), where=beyond).clip(max=1)
        reached = np.where(beyond, (1 - share) * at_quality + share * next_quality, reached)
        at_cost, at_quality = next_cost, next_quality
    return reached


def cost_at(cost: np.ndarray, quality: np.ndarray, target: np.ndarray) -> np.ndarray:
    """The cost at which curves reach a quality.

    Args:
        cost, quality: [R, M], M settings of each of R curves.
        target: [R], qualities.

    Returns:
        [R]; NaN above the best setting of a curve.
    """
    enough = quality >= target[:, None]
    alone = np.where(enough, cost, np.inf).min(1)
    low, high = quality[:, :, None], quality[:, None, :]
    cheaper = cost[:, :, None] < cost[:, None, :]
    pairs = ~enough[:, :, None] & enough[:, None, :] & cheaper
    share = np.divide(target[:, None, None] - low, high - low, out=np.ones(pairs.shape), where=pairs)
    mixed = cost[:, :, None] + share * (cost[:, None, :] - cost[:, :, None])
    reached = np.minimum(alone, np.where(pairs, mixed, np.inf).min((1, 2)))
    return np.where(np.isinf(reached), np.nan, reached)


def _mean_quality(cost: np.ndarray, quality: np.ndarray, costs: tuple[float, float]) -> np.ndarray:
    """The mean [R] of `quality_at` over a range of costs on a logarithmic scale. In a resample whose cheapest setting
    lies within the range, the range begins there."""
    spread = np.geomspace if costs[0] > 0 else np.linspace  # queries with nothing to write cost 0: no logarithm
    grid = spread(*costs, GRID) if costs[1] > costs[0] else np.array(costs[:1])
    grid = np.maximum(grid, cost.min(1, keepdims=True))
    return quality_at(cost, quality, grid).mean(1)


def _table(answers: Sequence[Sequence[ScoredAnswers]]) -> np.ndarray:
    """Cost and quality of every sampler by turns, [S, N, 2M], queries in ascending order of their ids."""
    if not answers or not answers[0]:
        raise ValueError("curves need the answers of at least one sampler")
    names = [one.name for one in answers[0]]
    queries: np.ndarray | None = None
    table = []
    for number, seed in enumerate(answers):
        if [one.name for one in seed] != names:
            raise ValueError(f"seed {number} has other samplers than the first, so nothing can be paired")
        columns = []
        for one in seed:
            if not one.judged:
                raise ValueError(f"{one.name}: nothing decides whether some of its answers are correct")
            query, row, count = np.unique(one.query, return_inverse=True, return_counts=True)
            if queries is not None and not np.array_equal(query, queries):
                raise ValueError(
                    f"{names[0]} and {one.name} answered different queries ({len(queries)} and {len(query)}), so "
                    "nothing can be paired"
                )
            queries = query
            columns += [np.bincount(row, weights=values) / count for values in (one.nfe, one.quality)]
        table.append(np.stack(columns, axis=1))
    return np.stack(table)
