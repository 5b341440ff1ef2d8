"""Learned rules against the best rule without learning."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from adaptive_diffusion.evaluation.curves import NEARLY, Comparison, Curves


@dataclass(frozen=True)
class Rivalry:
    """Every learned rule against every rule without learning that has a curve.

    Attributes:
        best_learned: the learned rule with the largest area under its curve, over the costs that all learned rules
            reach.
        best_unlearned: the rule without learning that comes within `NEARLY` of the best quality of `best_learned` at
            the smallest cost; where none comes so near, the one of the best quality, the cheapest of equals.
        chief: the comparison of these two.
        all: of every pair, those of one learned rule together.
    """

    best_learned: str
    best_unlearned: str
    chief: Comparison
    all: tuple[Comparison, ...]

    def to_json(self) -> dict[str, Any]:
        """The figures as plain values; `against` holds every comparison, by learned rule and rival."""
        against: dict[str, dict[str, Any]] = {}
        for one in self.all:
            against.setdefault(one.ours, {})[one.theirs] = one.to_json()
        return {
            "best_learned": self.best_learned,
            "best_unlearned": self.best_unlearned,
            **self.chief.to_json(),
            "against": against,
        }


def rivalry(curves: Curves, learned: Sequence[str]) -> Rivalry | None:
    """Compares the learned families with the others; None where one of the two sides has no rule.

    Args:
        curves: of all rules.
        learned: the families that predict with a trained head. One of a single setting takes part, as a point.
    """
    ours = [family for family in curves.families if family in learned]
    rivals = [family for family in curves.rules if family not in learned]
    if not ours or not rivals:
        return None
    costs = curves.shared_costs(ours)
    best = max(ours, key=lambda family: curves.area(family, costs).value)
    compared = {(mine, theirs): curves.compare(mine, theirs) for mine in ours for theirs in rivals}
    target = curves.points(best)[1].max() - NEARLY
    near = {name: cost for name in rivals if not np.isnan(cost := curves.cost(name, target))}
    closest = min(near, key=lambda name: near[name], default=max(rivals, key=lambda name: _best(curves, name)))
    return Rivalry(best, closest, compared[best, closest], tuple(compared.values()))


def _best(curves: Curves, family: str) -> tuple[float, float]:
    """Larger, the better the best setting of a family is, and of equally good ones the cheaper."""
    most = float(curves.points(family)[1].max())
    return most, -curves.cost(family, most)
