"""Corruption: how many tokens are noised, which never are, and what stands in their place."""

import numpy as np
import pytest
import torch
from scipy import stats

from adaptive_diffusion.core.corruption import Absorbing, Uniform
from adaptive_diffusion.core.schedule import Cosine, Linear

GENERATOR = torch.Generator().manual_seed(0)


def uniforms(*shape):
    return torch.rand(*shape, dtype=torch.float64, generator=GENERATOR)


@pytest.mark.parametrize("schedule", [Linear(), Cosine()])
@pytest.mark.parametrize("t", [0.0, 0.1, 0.5, 1.0])
def test_a_token_is_noised_with_probability_one_minus_alpha(schedule, t):
    clean = torch.zeros(200, 100, dtype=torch.int64)
    level = torch.full((200,), t)
    _, noised = Absorbing(5, schedule).corrupt(clean, clean == 0, level, uniforms(200, 100), lambda: uniforms(200, 100))
    expected = 1 - float(schedule.alpha(level[:1].double()))
    if expected in (0.0, 1.0):
        assert noised.float().mean() == expected
    assert stats.binomtest(int(noised.sum()), noised.numel(), expected).pvalue > 1e-4


@pytest.mark.parametrize("corruption", [Absorbing(5), Uniform(5)])
def test_given_tokens_are_never_noised(corruption):
    clean = torch.randint(5, (50, 8), generator=GENERATOR)
    editable = torch.rand(50, 8, generator=GENERATOR) < 0.5
    tokens, noised = corruption.corrupt(clean, editable, torch.ones(50), uniforms(50, 8), lambda: uniforms(50, 8))
    assert torch.equal(noised, editable)
    assert torch.equal(tokens[~editable], clean[~editable])


def test_a_token_survives_only_below_alpha():
    level = torch.tensor([0.25])  # α = 0.75
    exactly = torch.tensor([[0.0, 0.75 - 2**-53, 0.75, 1 - 2**-53]], dtype=torch.float64)
    clean = torch.tensor([[1, 2, 3, 4]])
    tokens, noised = Absorbing(9).corrupt(clean, clean > 0, level, exactly, lambda: exactly)
    assert noised.tolist() == [[False, False, True, True]]
    assert tokens.tolist() == [[1, 2, 9, 9]]


def test_every_row_has_its_own_noise_level():
    clean = torch.zeros(2, 100, dtype=torch.int64)
    level = torch.tensor([0.0, 1.0])
    _, noised = Absorbing(1).corrupt(clean, clean == 0, level, uniforms(2, 100), lambda: uniforms(2, 100))
    assert noised.sum(1).tolist() == [0, 100]


def test_masks_need_no_draw():
    def forbidden():
        raise AssertionError("absorbing noise drew a uniform")

    clean = torch.zeros(2, 3, dtype=torch.int64)
    tokens, _ = Absorbing(7).corrupt(clean, clean == 0, torch.ones(2), uniforms(2, 3), forbidden)
    assert tokens.tolist() == [[7, 7, 7], [7, 7, 7]]


def test_uniform_noise_draws_every_token_alike():
    tokens = Uniform(7).noise(torch.zeros(10_000, dtype=torch.int64), lambda: uniforms(10_000))
    assert stats.chisquare(np.bincount(tokens.numpy(), minlength=7)).pvalue > 1e-4
    edges = Uniform(7).noise(torch.zeros(2, dtype=torch.int64), lambda: torch.tensor([0.0, 1 - 2**-53]).double())
    assert edges.tolist() == [0, 6]


def test_uniform_noise_over_fewer_tokens_than_a_denoiser_has_logits() -> None:
    corruption, t = Uniform(2), torch.tensor([0.5]).double()
    assert corruption.mixing(t, 3).tolist() == [[0.5, 0.5, 0.0]]
    rates = corruption.arrival(t, torch.arange(3), 3)
    assert torch.equal(rates[:2], corruption.arrival(t, torch.arange(2), 2))
    assert rates[2] == 0
    every = torch.arange(3)
    evidence = corruption.evidence(every[None], t, every.expand(3, 3), 3)
    assert evidence[0].tolist() == [[0.75, 0.25, 0.25], [0.25, 0.75, 0.25], [0.0, 0.0, 0.5]]
    assert (corruption.noise_tokens(3), Absorbing(3).noise_tokens(3)) == (2, 3)
