"""The oracle against sums written out by hand."""

import pytest
import torch
from small_worlds import sampler_state, sequences, table

from adaptive_diffusion.core.corruption import Absorbing, MaskUniform, Uniform
from adaptive_diffusion.core.schedule import Cosine
from adaptive_diffusion.models.oracle import LeaveOneOutOracle, OracleDenoiser

MASK = 3


def by_enumeration(prior, likelihood, position, without=None):
    """p(x^position = k | evidence) [K], summing p(x)·Π_j likelihood(j, x_j) over all sequences x."""
    mass = [0.0] * prior.shape[0]
    for sequence in sequences(prior.shape[0], prior.ndim):
        weight = float(prior[sequence])
        for j, token in enumerate(sequence):
            weight *= 1.0 if j == without else likelihood(j, token)
        mass[sequence[position]] += weight
    return torch.tensor(mass, dtype=torch.float64) / sum(mass)


def visible(tokens):
    return lambda j, token: 1.0 if tokens[j] in (MASK, token) else 0.0


@pytest.mark.parametrize("tokens", [[3, 3, 3, 3], [3, 1, 3, 3], [2, 1, 3, 0]])
def test_the_absorbing_posterior_conditions_on_what_is_visible(tokens):
    prior = table()
    hidden = OracleDenoiser.of_table(prior, Absorbing(MASK)).evaluate(sampler_state([tokens])).hidden
    for position in range(4):
        torch.testing.assert_close(hidden[0, position].exp(), by_enumeration(prior, visible(tokens), position))


def test_leaving_one_out_judges_a_token_by_the_others():
    prior, tokens = table(), [2, 1, 3, 0]
    hidden = LeaveOneOutOracle.of_table(prior, Absorbing(MASK)).evaluate(sampler_state([tokens])).hidden
    for position in range(4):
        expected = by_enumeration(prior, visible(tokens), position, without=position)
        torch.testing.assert_close(hidden[0, position].exp(), expected)


@pytest.mark.parametrize("left_out", [False, True])
@pytest.mark.parametrize("t", [0.2, 0.7, 1.0])
def test_the_uniform_posterior_weighs_every_token_by_its_noise(t, left_out):
    prior, tokens, editable = table(), [2, 1, 1, 0], [1, 0, 1, 1]
    corruption = Uniform(3, Cosine())
    alpha = float(corruption.schedule.alpha(torch.tensor(t, dtype=torch.float64)))

    def likelihood(j, token):
        match = float(tokens[j] == token)
        return alpha * match + (1 - alpha) / 3 if editable[j] else match

    kind = LeaveOneOutOracle if left_out else OracleDenoiser
    level = torch.tensor([t], dtype=torch.float64)
    state = sampler_state([tokens], editable=[editable], corruption=corruption, noise_level=level)
    hidden = kind.of_table(prior, corruption).evaluate(state).hidden
    for position in range(4):
        expected = by_enumeration(prior, likelihood, position, without=position if left_out else None)
        torch.testing.assert_close(hidden[0, position].exp(), expected)


def test_mixed_noise_gives_masks_no_evidence_and_tokens_theirs():
    prior, tokens, corruption = table(), [2, MASK, 1, 0], MaskUniform(MASK, uniform=0.3)
    q = corruption.marginal(torch.eye(3), torch.full((3,), 0.4, dtype=torch.float64))
    level = torch.tensor([0.4], dtype=torch.float64)
    state = sampler_state([tokens], corruption=corruption, noise_level=level)
    hidden = OracleDenoiser.of_table(prior, corruption).evaluate(state).hidden
    for position in range(4):
        expected = by_enumeration(prior, lambda j, token: float(q[token, tokens[j]]), position)
        torch.testing.assert_close(hidden[0, position].exp(), expected)


def test_impossible_sequence_gets_the_posterior_of_the_nearest_support():
    support = torch.tensor([[0, 0, 0], [1, 1, 1]])
    oracle = OracleDenoiser(support, torch.tensor([0.5, 0.5]), Absorbing(2))
    probability = oracle.evaluate(sampler_state([[0, 0, 1], [0, 1, 2]])).hidden.exp()
    torch.testing.assert_close(probability[0], torch.tensor([[1.0, 0.0]] * 3, dtype=torch.float64))
    torch.testing.assert_close(probability[1], torch.tensor([[0.5, 0.5]] * 3, dtype=torch.float64))


def test_the_oracle_predicts_the_same_alone_and_in_a_batch():
    oracle = OracleDenoiser.of_table(table(3, 5), Absorbing(MASK))
    tokens = torch.randint(4, (64, 5), generator=torch.Generator().manual_seed(0)).tolist()
    together = oracle.evaluate(sampler_state(tokens)).hidden
    for row in range(64):
        assert torch.equal(oracle.evaluate(sampler_state(tokens[row : row + 1])).hidden[0], together[row])


@pytest.mark.parametrize(
    ("support", "probability", "corruption", "sentence"),
    [
        ([[0, 1]], [0.5, 0.5], Absorbing(2), "support \\[S, L\\]"),
        ([[0, 1]], [0.0], Absorbing(2), "must be positive"),
        ([[0, -1]], [1.0], Absorbing(2), "lie outside"),
    ],
)
def test_what_is_no_distribution_is_refused(support, probability, corruption, sentence):
    with pytest.raises(ValueError, match=sentence):
        OracleDenoiser(torch.tensor(support), torch.tensor(probability), corruption)


def test_a_sequence_of_another_length_is_refused():
    with pytest.raises(ValueError, match="have 4 positions, but the state has 2"):
        OracleDenoiser.of_table(table(), Absorbing(3)).evaluate(sampler_state([[3, 3]]))
