"""Learned rules against the best rule without learning, on two queries that can be compared by hand."""

import numpy as np
import pytest

from adaptive_diffusion.evaluation.answers import ScoredAnswers
from adaptive_diffusion.evaluation.curves import Curves
from adaptive_diffusion.evaluation.rivals import rivalry


def rule(family: str, *settings: tuple[float, list[float]]) -> list[ScoredAnswers]:
    """A family with a cost and the qualities of two queries for each setting."""
    return [
        ScoredAnswers(f"{family}_{number}", family, np.arange(2), np.full(2, cost), np.array(quality))
        for number, (cost, quality) in enumerate(settings)
    ]


WEAK = rule("weak", (1, [0, 0]), (4, [1, 0]))
STRONG = rule("strong", (1, [1, 0]), (4, [1, 1]))
HEAD = rule("head", (1, [1, 0]), (2, [1, 1]))
POINT = rule("point", (1, [0, 0]))


def test_rival_is_the_rule_that_reaches_the_best_learned_quality_at_the_smallest_cost():
    found = rivalry(Curves([WEAK + STRONG + HEAD]), ["head"])
    assert found is not None
    assert (found.best_learned, found.best_unlearned) == ("head", "strong")
    assert found.chief.cost_ratio.value == pytest.approx(0.5)
    assert [(one.ours, one.theirs) for one in found.all] == [("head", "weak"), ("head", "strong")]
    written = found.to_json()
    assert (
        written["cost_ratio_at_equal_accuracy"] == written["against"]["head"]["strong"]["cost_ratio_at_equal_accuracy"]
    )


@pytest.mark.parametrize("turned", [False, True])
def test_of_equally_good_rules_far_below_the_learned_one_the_cheapest_is_the_rival(turned: bool):
    dear = rule("dear", (1, [0, 0]), (8, [1, 0]))
    found = rivalry(Curves([(WEAK + dear if turned else dear + WEAK) + HEAD]), ["head"])
    assert found is not None
    assert found.best_unlearned == "weak"


def test_best_learned_rule_has_the_largest_area():
    found = rivalry(Curves([WEAK + STRONG + HEAD]), ["head", "weak"])
    assert found is not None
    assert found.best_learned == "head"


@pytest.mark.parametrize("learned", [[], ["weak", "strong"]])
def test_without_two_sides_there_is_nothing_to_compare(learned: list[str]):
    assert rivalry(Curves([WEAK + STRONG]), learned) is None


def test_rule_of_one_setting_is_no_rival():
    assert rivalry(Curves([POINT + HEAD]), ["head"]) is None
