"""Hindsight, chance and overthinking, on tables small enough to read."""

from itertools import permutations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adaptive_diffusion.evaluation.halting_metrics import (
    CounterfactualRollouts,
    StoppingTable,
    gains_over_chance,
    given_up,
    halting_summary,
    hindsight_oracle,
    matched_fixed,
    overthinking,
    random_halting,
    regret_to_oracle,
    shuffled_allocation,
)

QUALITY = np.array(
    [
        [0, 1, 0, 1, 1],  # correct for the first time at step 2
        [1, 1, 1, 1, 1],  # correct from the start
        [0, 1, 1, 0, 1],  # was correct, then wrong where it stops
        [0, 0, 0, 0, 1],  # never correct before it stops
    ],
    float,
)
STEPS = np.array([5, 3, 4, 3])
TABLE = StoppingTable(QUALITY, np.tile(np.arange(1.0, 6), (4, 1)))


def test_oracle_stops_at_the_first_best_answer_and_gives_up_at_once_what_is_never_right():
    assert hindsight_oracle(TABLE, STEPS).tolist() == [2, 1, 2, 1]


def test_oracle_of_graded_answers_stops_at_the_first_best_one():
    table = StoppingTable(np.array([[0.2, 0.7, 0.5, 0.7, 0.9]]), TABLE.cost[:1])
    assert hindsight_oracle(table, np.array([4])).tolist() == [2]
    assert overthinking(table, np.array([3])).tolist() == [True]
    assert overthinking(table, np.array([4])).tolist() == [False]


def test_regret_compares_mean_cost():
    assert regret_to_oracle(TABLE, STEPS).value == pytest.approx(15 / 6 - 1)


def test_overthinking_is_to_have_been_better_before():
    assert overthinking(TABLE, STEPS).tolist() == [False, False, True, False]


def test_random_halting_is_the_mean_over_the_histogram_of_steps():
    quality, cost = random_halting(TABLE, STEPS)
    assert quality == pytest.approx([2 / 4, 1, 3 / 4, 1 / 4])
    assert cost == pytest.approx([15 / 4] * 4)


def test_shuffled_allocation_is_a_mean_over_permutations():
    everything = np.mean([QUALITY[range(4), np.array(p) - 1] for p in permutations(STEPS)], axis=0)
    assert everything == pytest.approx(random_halting(TABLE, STEPS)[0])
    assert shuffled_allocation(TABLE, STEPS, shuffles=20_000)[0] == pytest.approx(everything, abs=0.02)
    one = shuffled_allocation(TABLE, STEPS, shuffles=1, seed=1)[0]
    assert any(np.array_equal(one, QUALITY[range(4), np.array(p) - 1]) for p in permutations(STEPS))


def test_fixed_steps_mix_the_two_settings_around_the_budget():
    assert matched_fixed(TABLE, STEPS)[0] == pytest.approx([0.25 * 0 + 0.75 * 1, 1, 0.25 * 1, 0])  # mean 3.75
    assert matched_fixed(TABLE, np.full(4, 5))[0] == pytest.approx([1, 1, 1, 1])


@st.composite
def stopped(draw: st.DrawFn) -> tuple[StoppingTable, np.ndarray]:
    rows, longest = draw(st.integers(1, 6)), draw(st.integers(1, 5))
    ends = np.array(draw(st.lists(st.integers(1, longest), min_size=rows, max_size=rows)))
    steps = np.array([draw(st.integers(1, int(end))) for end in ends])
    per_step = np.array(draw(st.lists(st.integers(1, 3), min_size=rows, max_size=rows)))
    cost = per_step[:, None] * np.minimum(np.arange(1, longest + 1), ends[:, None])
    quality = np.array(draw(st.lists(st.booleans(), min_size=rows * longest, max_size=rows * longest)), float)
    return StoppingTable(quality.reshape(rows, longest), cost.astype(float)), steps


@given(stopped())
def test_controls_really_spend_what_the_rule_spends(case: tuple[StoppingTable, np.ndarray]):
    """Rows that end by themselves do not spend all the steps they are given."""
    table, steps = case
    budget = table.at(steps)[1].mean()
    for control in (matched_fixed, random_halting, shuffled_allocation):
        assert control(table, steps)[1].mean() == pytest.approx(budget)


@given(stopped())
def test_oracle_is_never_worse_and_never_dearer(case: tuple[StoppingTable, np.ndarray]):
    table, steps = case
    best = hindsight_oracle(table, steps)
    (quality, cost), (ours, spent) = table.at(best), table.at(steps)
    assert (quality >= ours).all()
    assert (cost <= spent).all()


def test_summary_holds_every_measure():
    chance, hard = np.array([0.9, 0.8, 0.3, 0.1]), np.array([3.0, 0.0, 2.0, 1.0])
    value = {name: one.value for name, one in halting_summary(TABLE, STEPS, chance, hard).items()}
    assert value["correct"] == pytest.approx(2 / 4)
    assert value["nfe_mean"] == pytest.approx(15 / 4)
    assert value["regret_to_oracle"] == pytest.approx(15 / 6 - 1)
    assert value["overthinking"] == pytest.approx(1 / 4)
    assert value["gain_over_random"] == pytest.approx(2 / 4 - (2 / 4 + 1 + 3 / 4 + 1 / 4) / 4)
    assert value["gain_over_fixed"] == pytest.approx(2 / 4 - 2 / 4)
    assert value["auroc_solved_at_halt"] == 1
    # ranks of steps 4, 1.5, 3, 1.5 against difficulty 4, 1, 3, 2
    assert value["spearman"] == pytest.approx(4.5 / (5 * 4.5) ** 0.5)
    assert gains_over_chance(TABLE, STEPS).items() <= halting_summary(TABLE, STEPS, chance, hard).items()


@pytest.mark.parametrize("measure", [hindsight_oracle, overthinking, shuffled_allocation])
@pytest.mark.parametrize("steps", [[5, 3, 4, 6], [0, 1, 1, 1]])
def test_steps_outside_the_table_are_refused(measure, steps: list[int]):
    with pytest.raises(ValueError, match="the table holds 1 to 5"):
        measure(TABLE, np.array(steps))


def test_rows_past_their_halting_are_found_by_query():
    past = CounterfactualRollouts(np.array([7, 3, 5, 1]), TABLE)
    assert np.array_equal(past.of(np.array([1, 7, 7])).quality, QUALITY[[3, 0, 0]])
    with pytest.raises(ValueError, match="not recorded past their halting point"):
        past.of(np.array([1, 8]))


def test_given_up_is_stopped_before_the_end_without_a_right_answer() -> None:
    quality = np.array([[0, 0, 1.0], [0, 0, 0], [1, 1, 1], [0, 0, 0]])
    cost = np.array([[1, 2, 3.0], [1, 2, 3], [1, 2, 3], [1, 1, 1]])
    # The first two stop early and wrong, the third early and right, the last one wrong at its own end.
    table = StoppingTable(quality, cost)
    assert given_up(table, np.array([2, 1, 1, 1])).tolist() == [True, True, False, False]
