"""Curves of quality against cost, on settings few enough to compare by hand."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial import ConvexHull
from synthetic_traces import Row, commit, header, record

from adaptive_diffusion.evaluation.answers import ScoredAnswers
from adaptive_diffusion.evaluation.curves import Curves, cost_at, quality_at

COST = np.array([[1.0, 2.0, 4.0, 5.0]])
QUALITY = np.array([[0.5, 0.6, 0.9, 0.8]])


def answers(name: str, nfe: list, quality: list, family: str = "", query: list[int] | None = None) -> ScoredAnswers:
    ids = np.array(range(len(nfe)) if query is None else query)
    return ScoredAnswers(name, family or name, ids, np.array(nfe), np.array(quality, float))


def test_quality_between_settings_is_that_of_mixing_them():
    """From (1, .5) to (4, .9) directly: the setting at cost 2 lies below the line, that at 5 is worse than 4."""
    budgets = np.array([[0.5, 1, 2.5, 4, 5, 9]])
    assert quality_at(COST, QUALITY, budgets)[0] == pytest.approx([np.nan, 0.5, 0.7, 0.9, 0.9, 0.9], nan_ok=True)


def test_cost_at_a_quality_is_the_inverse():
    targets = np.array([0.4, 0.5, 0.7, 0.9, 0.91])
    found = cost_at(np.repeat(COST, 5, 0), np.repeat(QUALITY, 5, 0), targets)
    assert found == pytest.approx([1, 1, 2.5, 4, np.nan], nan_ok=True)


@st.composite
def settings(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray]:
    count = draw(st.integers(1, 7))
    cost = draw(st.lists(st.integers(1, 40), min_size=count, max_size=count))
    quality = draw(st.lists(st.integers(0, 40), min_size=count, max_size=count))
    return np.array([cost], float), np.array([quality], float) / 40


@given(settings())
def test_curve_is_the_upper_hull_of_its_settings_and_level_behind_them(case: tuple[np.ndarray, np.ndarray]):
    cost, quality = case
    ends = [[cost.min(), -1.0], [1000.0, -1.0], [1000.0, quality.max()]]
    hull = ConvexHull(np.concatenate([np.stack([cost[0], quality[0]], 1), ends]))
    budgets = np.linspace(cost.min(), 60, 25)
    for budget, found in zip(budgets, quality_at(cost, quality, budgets[None])[0], strict=True):
        slopes, heights, offsets = hull.equations.T
        above = heights > 1e-9
        highest = ((-offsets - slopes * budget)[above] / heights[above]).min()
        assert found == pytest.approx(highest, abs=1e-6)


@given(settings(), st.floats(0, 1))
def test_quality_at_the_cost_of_a_quality_is_that_quality(case: tuple[np.ndarray, np.ndarray], share: float):
    cost, quality = case
    target = quality_at(cost, quality, cost.min(1, keepdims=True))[0] * (1 - share) + quality.max() * share
    target = np.minimum(target, quality.max())
    spent = cost_at(cost, quality, target)
    assert quality_at(cost, quality, spent[:, None] + 1e-9)[0] >= target - 1e-6


RULE = [answers("a_1", [1, 1], [0, 1], "a"), answers("a_4", [4, 4], [1, 1], "a")]
RIVAL = [answers("b_2", [2, 2], [0, 1], "b"), answers("b_8", [8, 8], [1, 1], "b")]


def test_rules_are_compared_at_equal_cost_and_at_equal_quality():
    found = Curves([RULE + RIVAL]).compare("a", "b")
    assert found.costs == (2, 4)
    assert (found.quality, found.cost_ratio.value) == (1, 4 / 8)
    grid = np.geomspace(2, 4, 33)
    assert found.gain.value == pytest.approx(((0.5 + (grid - 1) / 6) - (0.5 + (grid - 2) / 12)).mean())


def test_one_setting_is_compared_where_it_is():
    found = Curves([[answers("a", [3, 3], [1, 1]), *RIVAL]]).compare("a", "b")
    assert found.costs == (3, 3)
    assert found.gain.value == pytest.approx(1 - (0.5 + 1 / 12))
    assert found.cost_ratio.value == pytest.approx(3 / 8)


def test_a_rule_that_is_cheaper_than_every_setting_of_its_rival_is_compared_at_the_cheapest():
    found = Curves([[answers("a", [1, 1], [1, 0]), *RIVAL]]).compare("a", "b")
    assert found.costs == (2, 2)
    assert found.gain.value == 0
    assert found.cost_ratio.value == 1 / 2


def test_a_rule_compared_with_itself_gains_nothing_for_certain():
    copy = [answers(f"c{one.name}", one.nfe.tolist(), one.quality.tolist(), "c") for one in RULE]
    found = Curves([RULE + copy]).compare("a", "c")
    assert found.gain == (0, 0, 0)
    assert found.cost_ratio == (1, 1, 1)


def test_area_is_the_mean_quality_over_the_costs_that_all_rules_reach():
    curves = Curves([RULE + RIVAL])
    costs = curves.shared_costs(curves.rules)
    assert costs == (2, 4)
    assert curves.area("a", costs).value == pytest.approx((0.5 + (np.geomspace(2, 4, 33) - 1) / 6).mean())
    assert curves.rules == ["a", "b"]
    assert curves.settings("a") == ["a_1", "a_4"]


def test_intervals_of_a_deterministic_rule_over_seeds_have_the_width_of_its_queries():
    rng = np.random.default_rng(0)
    right = rng.random(400) < 0.8
    one = [answers("a", [2] * 400, right.tolist()), answers("b", [2] * 400, [1] * 400)]
    alone, three = Curves([one]).compare("a", "b").gain, Curves([one, one, one]).compare("a", "b").gain
    assert alone == three
    half = 1.96 * np.sqrt(0.8 * 0.2 / 400)
    assert three.high - three.value == pytest.approx(half, rel=0.2)


def test_variations_of_a_query_count_by_their_mean_and_queries_are_paired_by_id():
    ours = answers("a", [1, 1, 1, 1], [1, 1, 1, 0], query=[7, 8, 7, 8])
    theirs = answers("b", [1, 1], [0, 1], query=[8, 7])
    assert Curves([[ours, theirs]]).compare("a", "b").gain.value == pytest.approx(0.25)  # 7: 1 − 1, 8: ½ − 0


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ([], "at least one sampler"),
        ([[answers("a", [1], [1]), answers("b", [1], [1], query=[9])]], "a and b answered different queries"),
        ([[answers("a", [1], [1])], [answers("b", [1], [1])]], "seed 1 has other samplers"),
        ([[answers("a", [1], [np.nan])]], "a: nothing decides"),
    ],
)
def test_answers_that_cannot_be_paired_are_refused(given: list, sentence: str):
    with pytest.raises(ValueError, match=sentence):
        Curves(given)


def test_answers_are_read_from_a_trace(tmp_path):
    rows = [Row([-1], [[commit(0, 1)]], [1], query=4), Row([-1], [[], [commit(0, 1)]], [2], query=5)]
    read = ScoredAnswers.of(record(tmp_path, rows, described=header(family="f", sampler="f_2")))
    assert (read.query.tolist(), read.nfe.tolist(), read.quality.tolist()) == ([4, 5], [1, 2], [1, 0])
    assert (read.name, read.family, read.judged) == ("f_2", "f", True)
    assert not ScoredAnswers.of(record(tmp_path, [Row([-1], [[commit(0, 1)]])])).judged


def test_quality_is_the_score_where_that_is_the_headline(tmp_path):
    described = header(headline="score")
    trace = record(tmp_path, [Row([-1], [[commit(0, 1)]], [1], valid=False)], described=described)
    assert ScoredAnswers.of(trace).quality.tolist() == [0.0]
