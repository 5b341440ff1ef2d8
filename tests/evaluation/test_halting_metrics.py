"""Hindsight, chance and overthinking, on matrices small enough to read."""

from itertools import permutations

import numpy as np
import pytest
import torch

from adaptive_diffusion.evaluation.halting_metrics import (
    CounterfactualRollouts,
    HaltingSummary,
    gains_over_chance,
    hindsight_oracle,
    matched_fixed,
    overthinking,
    random_halting,
    regret,
    regret_to_oracle,
    shuffled_allocation,
)

SOLVED = np.array(
    [
        [0, 1, 0, 1, 1],  # right for good from step 4
        [1, 1, 1, 1, 1],  # right from the start
        [0, 1, 1, 0, 1],  # was right, then wrong where it stops
        [0, 0, 0, 0, 1],  # never right before it stops
    ],
    bool,
)
STEPS = np.array([5, 3, 4, 3])


def test_the_oracle_stops_where_a_solved_row_stays_right_and_leaves_the_others():
    assert hindsight_oracle(SOLVED, STEPS).tolist() == [4, 1, 4, 3]


def test_regret_compares_mean_nfe():
    assert regret(STEPS, hindsight_oracle(SOLVED, STEPS)) == pytest.approx(15 / 12 - 1)


def test_overthinking_is_to_have_been_right_and_end_wrong():
    assert overthinking(SOLVED, STEPS).tolist() == [False, False, True, False]


def test_random_halting_is_the_mean_over_the_histogram_of_steps():
    assert random_halting(SOLVED, STEPS) == pytest.approx([2 / 4, 1, 3 / 4, 1 / 4])


def test_the_shuffled_allocation_is_a_mean_over_permutations():
    everything = np.mean([SOLVED[range(4), np.array(p) - 1] for p in permutations(STEPS)], axis=0)
    assert everything == pytest.approx(random_halting(SOLVED, STEPS))
    assert shuffled_allocation(SOLVED, STEPS, shuffles=20_000) == pytest.approx(everything, abs=0.02)
    one = shuffled_allocation(SOLVED, STEPS, shuffles=1, seed=1)
    assert any(np.array_equal(one, SOLVED[range(4), np.array(p) - 1]) for p in permutations(STEPS))


def test_a_fixed_budget_of_the_same_mean_tosses_between_two_whole_numbers() -> None:
    assert matched_fixed(SOLVED, STEPS) == pytest.approx([(0.25 * 0 + 0.75 * 1), 1, 0.25 * 1, 0])  # mean 3.75
    assert matched_fixed(SOLVED, np.full(4, 5)) == pytest.approx([1, 1, 1, 1])


def test_the_summary_holds_every_measure_of_rows_given_in_parts() -> None:
    chance, hard = torch.tensor([0.9, 0.8, 0.3, 0.1]), torch.tensor([3.0, 0.0, 2.0, 1.0])
    summary = HaltingSummary()
    for part in (slice(0, 3), slice(3, 4)):
        summary.update(torch.tensor(SOLVED)[part], torch.tensor(STEPS)[part], chance[part], hard[part])
    found = summary.compute()
    value = {name: one if isinstance(one, float) else one.value for name, one in found.items()}
    assert value["exact"] == pytest.approx(2 / 4)
    assert value["nfe_mean"] == pytest.approx(15 / 4)
    assert value["regret_to_oracle"] == pytest.approx(15 / 12 - 1)
    assert value["overthinking"] == pytest.approx(1 / 4)
    assert value["gain_over_random"] == pytest.approx(2 / 4 - (2 / 4 + 1 + 3 / 4 + 1 / 4) / 4)
    assert value["gain_over_fixed"] == pytest.approx(2 / 4 - 2 / 4)
    assert value["auroc_solved_at_halt"] == 1
    # ranks of steps 4, 1.5, 3, 1.5 against difficulty 4, 1, 3, 2
    assert value["spearman"] == pytest.approx(4.5 / (5 * 4.5) ** 0.5)
    assert value["spearman"] <= value["tie_ceiling"] <= 1


@pytest.mark.parametrize("measure", [hindsight_oracle, overthinking, random_halting, shuffled_allocation])
@pytest.mark.parametrize("steps", [[5, 3, 4, 6], [0, 1, 1, 1]])
def test_steps_outside_the_matrix_are_refused(measure, steps: list[int]):
    with pytest.raises(ValueError, match="the matrix holds 1 to 5"):
        measure(SOLVED, np.array(steps))


def test_gains_and_regret_are_those_of_the_summary() -> None:
    summary = HaltingSummary()
    summary.update(torch.tensor(SOLVED), torch.tensor(STEPS), torch.rand(4), torch.arange(4.0))
    found = {**gains_over_chance(SOLVED, STEPS), "regret_to_oracle": regret_to_oracle(SOLVED, STEPS)}
    assert found.items() <= summary.compute().items()


def test_rows_past_their_halting_are_found_by_query() -> None:
    past = CounterfactualRollouts(np.array([7, 3, 5, 1]), SOLVED)
    assert np.array_equal(past.of(np.array([1, 7, 7])), SOLVED[[3, 0, 0]])
    with pytest.raises(ValueError, match="not recorded past their halting point"):
        past.of(np.array([1, 8]))
