"""A sweep's summary: seeds together, differences paired, rules compared."""

import numpy as np
import pytest

from adaptive_diffusion.evaluation.answers import QueryFigures, ScoredAnswers
from adaptive_diffusion.runs.ablate.summary import SamplerResult, compare_rules, summarise


def row(correct, nfe, sampler="learned"):
    return SamplerResult({"sampler": sampler, "correct": correct, "nfe_mean": nfe, "seconds": 1.0})


def traced(correct, nfe, sampler="learned"):
    """A result with the figures of every query, as a trace gives them."""
    query = np.arange(len(correct))
    right, cost = np.array(correct, float), np.full(len(correct), nfe, float)
    figures = QueryFigures(query, {"correct": right, "nfe_mean": cost})
    answers = ScoredAnswers(sampler, sampler, query, cost, right)
    means = {"sampler": sampler, "family": sampler, "correct": right.mean(), "nfe_mean": nfe, "nfe_p95": 9.0}
    return SamplerResult(means, figures, answers)


def test_seeds_of_a_setting_are_one_row_and_differences_are_paired_by_seed():
    cells = [
        (("depth=4", "seed=0"), [row(0.90, 3.0)]),
        (("depth=4", "seed=1"), [row(0.94, 3.4)]),
        (("depth=6", "seed=0"), [row(0.93, 3.1)]),
        (("depth=6", "seed=1"), [row(0.97, 3.5)]),
        (("depth=6", "seed=2"), [row(0.50, 9.0)]),
    ]
    first, second = summarise(cells)
    assert (first["setting"], first["seeds"], first["over_first"]) == (["depth=4"], ["0", "1"], None)
    assert first["correct"]["value"] == pytest.approx(0.92)
    assert second["seeds"] == ["0", "1", "2"]
    # Both shared seeds gained 3 points: the paired interval has no width, the seed without a partner does not count.
    assert list(second["over_first"]["correct"].values()) == pytest.approx([0.03, 0.03, 0.03])
    assert second["over_first"]["nfe_mean"]["value"] == pytest.approx(0.1)


def test_samplers_are_compared_with_their_own_first_setting():
    cells = [
        (("depth=4",), [row(0.9, 3, "a"), row(0.8, 2, "b")]),
        (("depth=6",), [row(0.95, 3, "a"), row(0.9, 2, "b")]),
    ]
    gains = [found["over_first"]["correct"]["value"] for found in summarise(cells) if found["over_first"]]
    assert gains == pytest.approx([0.05, 0.1])


def test_one_seed_without_a_trace_has_figures_without_ends_and_seconds_are_left_out():
    (found,) = summarise([((), [row(0.9, 3.0)])])
    assert found["correct"] == {"value": 0.9, "low": None, "high": None}
    assert "seconds" not in found


def test_seeds_that_agree_have_the_interval_of_their_queries():
    right = [1, 0, 1, 1, 0, 1, 1, 1]
    cells = [((f"seed={seed}", "sampler=a"), [traced(right, 2.0)]) for seed in range(3)]
    (found,) = summarise(cells)
    assert found["correct"]["low"] < 0.75 < found["correct"]["high"]
    assert found["nfe_mean"] == {"value": 2, "low": 2, "high": 2}
    assert found["nfe_p95"] == {"value": 9, "low": 9, "high": 9}


def test_differences_are_paired_by_query():
    right = [1, 0, 1, 1, 0, 1, 1, 1]
    _, second = summarise([(("a=1",), [traced(right, 2.0)]), (("a=2",), [traced(right, 3.0)])])
    assert second["over_first"]["correct"] == {"value": 0, "low": 0, "high": 0}


def test_settings_of_a_sampler_are_points_of_its_curve():
    cells = [
        (("sampler=a", "pace=1"), [traced([0, 1], 1.0, "a")]),
        (("sampler=a", "pace=2"), [traced([1, 1], 4.0, "a")]),
        (("sampler=b", "pace=1"), [traced([1, 1], 8.0, "b")]),
    ]
    (found,) = compare_rules(cells)
    assert (found["rule"], found["against"]) == ("b", "a")
    assert found["cost_ratio_at_equal_accuracy"]["value"] == 2
    assert compare_rules([*cells, (("sampler=a", "pace=3"), [row(0.5, 3.0, "a")])]) == []
    assert compare_rules([*cells, (("sampler=a", "pace=3"), [traced([1, 1, 1], 3.0, "a")])]) == []
    assert compare_rules([((), [traced([1], 1.0, "a"), traced([1], 1.0, "b")])]) == []
    assert compare_rules([]) == []
