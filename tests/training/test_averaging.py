"""The average of weights over training: its decay warms up, so that a short training is not held back."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as some

from adaptive_diffusion.training.averaging import averaged, decay_after, lag


@given(some.floats(0.01, 0.9999), some.lists(some.floats(-(2.0**60), 2.0**60, width=32), min_size=1, max_size=40))
def test_averaging_what_did_not_change_changes_nothing(decay: float, values: list[float]) -> None:
    weights = torch.tensor(values)
    for kind in (torch.float32, torch.bfloat16):
        same = weights.to(kind)
        assert torch.equal(averaged(decay, same, same.clone(), torch.tensor(1)), same)


def test_decay_warms_up_to_the_one_that_is_set():
    assert decay_after(torch.tensor([1, 2, 4, 1000]), 0.5).tolist() == [2 / 11, 3 / 12, 5 / 14, 0.5]


@pytest.mark.parametrize("steps", [1, 7, 200, 3000])
def test_lag_is_that_of_weights_that_count_the_steps(steps):
    average = torch.zeros((), dtype=torch.float64)
    for updates in range(1, steps):
        average = averaged(0.998, average, torch.tensor(float(updates), dtype=torch.float64), torch.tensor(updates))
    assert lag(0.998, steps) == pytest.approx(steps - 1 - float(average), abs=1e-6)


def test_short_training_is_averaged_over_its_last_tenth_and_a_long_one_as_the_decay_says():
    assert 15 < lag(0.998, 200) < 25
    assert lag(0.998, 100_000) == pytest.approx(0.998 / 0.002)


def test_integers_are_those_of_the_last_step():
    assert averaged(0.9, torch.tensor(1), torch.tensor(5), torch.tensor(3)) == 5
