"""Noise levels of a batch: each uniform by itself, together spread."""

import pytest
import torch

from adaptive_diffusion.training.time_sampling import Antithetic, LowDiscrepancy

BATCHES = torch.rand(4000, 6, dtype=torch.float64, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("levels", [LowDiscrepancy(), Antithetic()])
def test_every_level_is_uniform_by_itself(levels):
    drawn = torch.stack([levels(uniform) for uniform in BATCHES])
    for power in (1, 2, 3):
        torch.testing.assert_close(
            (drawn**power).mean(0), torch.full((6,), 1 / (power + 1), dtype=torch.float64), atol=0.025, rtol=0
        )


def test_spaced_levels_stand_equally_far_apart():
    gaps = LowDiscrepancy()(BATCHES[0]).sort().values.diff()
    torch.testing.assert_close(gaps, torch.full_like(gaps, 1 / 6), atol=1e-6, rtol=0)


@pytest.mark.parametrize("size", [1, 2, 5, 6])
def test_antithetic_levels_are_mirror_images(size):
    levels = Antithetic()(BATCHES[0, :size])
    assert len(levels) == size
    half = (size + 1) // 2
    torch.testing.assert_close(levels[half:], 1 - levels[: size - half])


def test_a_batch_mean_varies_less_the_better_the_levels_are_spread():
    def spread(levels):
        return torch.stack([levels(uniform).mean() for uniform in BATCHES]).std()

    independent = spread(lambda uniform: uniform)
    assert spread(Antithetic()) < 1e-12 < spread(LowDiscrepancy()) < independent / 2
