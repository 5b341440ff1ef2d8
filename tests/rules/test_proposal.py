"""Proposals: the inverse distribution function at its boundaries, and draws that follow the prediction."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from small_worlds import prediction, sampler_state

from adaptive_diffusion.core.prediction import Logits
from adaptive_diffusion.rules.proposal import Argmax, Draw, DrawAgain, DrawStatistic, inverse_cdf

BELOW_ONE = 1 - 2**-53


def double(values):
    return torch.tensor(values, dtype=torch.float64)


@pytest.mark.parametrize(
    ("uniform", "token"),
    [(0.0, 0), (0.25 - 2**-54, 0), (0.25, 1), (0.75 - 2**-53, 1), (0.75, 3), (BELOW_ONE, 3)],
)
def test_the_first_token_whose_cumulative_mass_exceeds_the_uniform_is_drawn(uniform, token):
    assert inverse_cdf(double([[0.25, 0.5, 0.0, 0.25, 0.0]]), double([uniform])).item() == token


def test_leading_and_trailing_tokens_without_mass_are_passed_over():
    mass = double([[0.0, 0.0, 1.0, 0.0]] * 3)
    assert inverse_cdf(mass, double([0.0, 0.5, BELOW_ONE])).tolist() == [2, 2, 2]


@given(
    masses=st.lists(st.one_of(st.just(0.0), st.floats(1e-12, 1e6)), min_size=1, max_size=20).filter(any),
    uniform=st.floats(0, BELOW_ONE),
)
def test_a_token_without_mass_is_never_drawn(masses, uniform):
    token = inverse_cdf(double([masses]), double([uniform])).item()
    assert masses[token] > 0


@given(masses=st.lists(st.integers(0, 9), min_size=1, max_size=8).filter(any), step=st.integers(0, 2**20 - 1))
def test_whole_number_masses_are_inverted_exactly(masses, step):
    target = sum(masses) * step / 2**20  # exact in float64
    expected = next(k for k in range(len(masses)) if sum(masses[: k + 1]) > target)
    assert inverse_cdf(double([masses]), double([step / 2**20])).item() == expected


@pytest.mark.parametrize("vocabulary", [255, 256, 257, 512, 1000])
def test_blocks_of_a_large_vocabulary_are_inverted_exactly(vocabulary):
    generator = torch.Generator().manual_seed(vocabulary)
    mass = torch.randint(0, 3, (400, vocabulary), generator=generator).double()  # whole numbers: sums are exact
    mass[0] = 0.0
    mass[0, -1] = 1.0  # all of it in the last block
    uniform = torch.arange(400).double() / 512
    reached = mass.cumsum(1)
    expected = (reached > uniform[:, None] * reached[:, -1:]).long().argmax(1)
    assert torch.equal(inverse_cdf(mass, uniform), expected)


def test_a_token_without_mass_is_never_drawn_from_a_large_vocabulary():
    generator = torch.Generator().manual_seed(0)
    mass = torch.rand(300, 1000, generator=generator) * (torch.rand(300, 1000, generator=generator) < 0.01)
    mass[:, 300] = 1e-30
    for uniform in (0.0, 0.5, BELOW_ONE):
        token = inverse_cdf(mass, torch.full((300,), uniform, dtype=torch.float64))
        assert (mass.gather(1, token[:, None]) > 0).all()


def drawn(temperature, rows=20_000):
    state = sampler_state([[9]] * rows)
    index = torch.arange(rows)
    values = torch.tensor([0.5, 0.3, 0.2]).log().expand(rows, -1)
    return DrawStatistic(temperature)(Logits(values, state, index, index * 0))


@pytest.mark.parametrize("temperature", [1.0, 0.5, 2.0])
def test_draws_follow_the_tempered_prediction(temperature):
    read = drawn(temperature)
    weights = np.array([0.5, 0.3, 0.2]) ** (1 / temperature)
    counts = np.bincount(read["drawn"].numpy(), minlength=3)
    assert stats.chisquare(counts, weights / weights.sum() * counts.sum()).pvalue > 1e-4


def test_the_probability_of_a_draw_is_the_untempered_one():
    read = drawn(0.5, rows=50)
    torch.testing.assert_close(read["drawn_probability"], torch.tensor([0.5, 0.3, 0.2])[read["drawn"]])


@pytest.mark.parametrize("proposal", [Draw, DrawAgain])
@pytest.mark.parametrize("temperature", [0.0, -1.0])
def test_a_temperature_that_is_not_positive_is_refused(proposal, temperature):
    with pytest.raises(ValueError, match="use the Argmax proposal"):
        proposal(temperature)


def test_a_proposal_hands_on_what_was_read():
    summaries = {
        "argmax": torch.tensor([[1, 2]]),
        "confidence": torch.tensor([[0.5, 0.6]]),
        "drawn": torch.tensor([[3, 4]]),
        "drawn_probability": torch.tensor([[0.1, 0.2]]),
    }
    state, head_output = sampler_state([[9, 9]]), prediction((1, 2), **summaries)
    assert Argmax()(state, head_output).token.tolist() == [[1, 2]]
    assert Argmax()(state, head_output).probability is head_output["confidence"]
    assert Draw()(state, head_output).token.tolist() == [[3, 4]]
    assert Draw()(state, head_output).probability is head_output["drawn_probability"]


def test_only_revised_positions_are_drawn_again():
    summaries = {
        "argmax": torch.tensor([[1, 2], [1, 2]]),
        "confidence": torch.tensor([[0.5, 0.6], [0.5, 0.6]]),
        "drawn": torch.tensor([[3, 4], [3, 4]]),
        "drawn_probability": torch.tensor([[0.1, 0.2], [0.1, 0.2]]),
    }
    state = sampler_state([[9, 9], [9, 9]], revisions=torch.tensor([[0, 1], [2, 0]], dtype=torch.int32))
    candidate = DrawAgain()(state, prediction((2, 2), **summaries))
    assert candidate.token.tolist() == [[1, 4], [3, 2]]
    torch.testing.assert_close(candidate.probability, torch.tensor([[0.5, 0.2], [0.1, 0.6]]))
    of_both = (*Argmax().logit_statistics(), *Draw(0.5).logit_statistics())
    assert DrawAgain(0.5).logit_statistics() == of_both
