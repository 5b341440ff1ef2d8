"""Noise schedules: their laws at random points, their ends exactly."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from adaptive_diffusion.core.schedule import Cosine, Linear

SCHEDULES = [Linear(), Cosine()]
UNIT = st.floats(0, 1)


def double(value):
    return torch.tensor(value, dtype=torch.float64)


@pytest.mark.parametrize("schedule", SCHEDULES)
@given(alpha=UNIT)
def test_alpha_undoes_its_inverse(schedule, alpha):
    torch.testing.assert_close(schedule.alpha(schedule.inverse(double(alpha))), double(alpha), rtol=0, atol=1e-12)


@pytest.mark.parametrize("schedule", SCHEDULES)
@given(t=UNIT)
def test_the_inverse_undoes_alpha(schedule, t):
    # Near t = 1 the cosine is flat (α ≈ π²(1−t)²/8), so a rounding of α moves t by its square root.
    torch.testing.assert_close(schedule.inverse(schedule.alpha(double(t))), double(t), rtol=0, atol=1e-7)


@pytest.mark.parametrize("schedule", SCHEDULES)
@given(t=UNIT)
def test_the_derivative_is_that_of_alpha(schedule, t):
    point = double(t).requires_grad_()
    (slope,) = torch.autograd.grad(schedule.alpha(point), point)
    torch.testing.assert_close(schedule.derivative(double(t)), slope, rtol=1e-9, atol=1e-12)
    assert slope <= 0


@pytest.mark.parametrize("schedule", SCHEDULES)
@given(t=UNIT, later=UNIT)
def test_more_noise_lets_fewer_survive(schedule, t, later):
    low, high = sorted((t, later))
    assert schedule.alpha(double(low)) >= schedule.alpha(double(high))


@pytest.mark.parametrize("schedule", SCHEDULES)
def test_nothing_is_lost_at_0_and_everything_at_1(schedule):
    torch.testing.assert_close(schedule.alpha(double([0.0, 1.0])), double([1.0, 0.0]), rtol=0, atol=1e-15)
    torch.testing.assert_close(schedule.inverse(double([1.0, 0.0])), double([0.0, 1.0]), rtol=0, atol=1e-15)


def test_half_way_values_by_hand():
    assert Linear().alpha(double(0.25)) == 0.75
    torch.testing.assert_close(Cosine().alpha(double(0.5)), double(1 - 0.5**0.5))
    torch.testing.assert_close(Cosine().inverse(double(0.5)), double(1 / 3))  # cos(π/3) = 1/2
