"""The average of weights over training: its decay warms up, so that a short training is not held back."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as some

from adaptive_diffusion.training.averaging import average_in_place, decay_after, lag


@given(some.floats(0.01, 0.9999), some.lists(some.floats(-(2.0**60), 2.0**60, width=32), min_size=1, max_size=40))
def test_averaging_what_did_not_change_changes_nothing(decay: float, values: list[float]) -> None:
    weights = torch.tensor(values)
    for kind in (torch.float32, torch.bfloat16):
        same = weights.to(kind)
        average_in_place(decay, [average := same.clone()], [same], torch.tensor(1))
        assert torch.equal(average, same)


def test_every_average_moves_by_the_share_that_the_decay_leaves():
    averages = [torch.tensor([0.0, 4.0]), torch.tensor(10.0)]
    average_in_place(0.75, averages, [torch.tensor([8.0, 0.0]), torch.tensor(10.0)], torch.tensor(1000))
    assert [one.tolist() for one in averages] == [[2.0, 3.0], 10.0]


def test_weights_that_are_the_average_stay_as_they_are():
    average_in_place(0.5, [shared := torch.tensor([1.0, 2.0])], [shared], torch.tensor(3))
    assert shared.tolist() == [1.0, 2.0]


def test_decay_warms_up_to_the_one_that_is_set():
    assert decay_after(torch.tensor([1, 2, 4, 1000]), 0.5).tolist() == [2 / 11, 3 / 12, 5 / 14, 0.5]


@pytest.mark.parametrize("steps", [1, 7, 200, 3000])
def test_lag_is_that_of_weights_that_count_the_steps(steps):
    average = torch.zeros((), dtype=torch.float64)
    for updates in range(1, steps):
        current = torch.tensor(float(updates), dtype=torch.float64)
        average_in_place(0.998, [average], [current], torch.tensor(updates))
    assert lag(0.998, steps) == pytest.approx(steps - 1 - float(average), abs=1e-6)


def test_short_training_is_averaged_over_its_last_tenth_and_a_long_one_as_the_decay_says():
    assert 15 < lag(0.998, 200) < 25
    assert lag(0.998, 100_000) == pytest.approx(0.998 / 0.002)


def test_integers_are_those_of_the_last_step():
    average_in_place(0.9, [count := torch.tensor(1)], [torch.tensor(5)], torch.tensor(3))
    assert count == 5
