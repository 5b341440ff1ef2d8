"""With the oracle for a denoiser, samples follow the distribution to the letter."""

import numpy as np
import pytest
import torch
from scipy import stats
from small_worlds import oracle, table

from adaptive_diffusion.core.corruption import Absorbing
from adaptive_diffusion.core.query import Queries
from adaptive_diffusion.core.schedule import Cosine, Linear
from adaptive_diffusion.models.oracle import OracleDenoiser
from adaptive_diffusion.rules.order import Confidence, Random
from adaptive_diffusion.rules.pace import Ancestral, FixedCount
from adaptive_diffusion.rules.proposal import Draw
from adaptive_diffusion.sampling.sampler import Sampler

SAMPLES = 100_000


def blank(count, length=3, mask=3):
    return Queries.of(torch.full((count, length), mask), torch.ones(count, length))


def p_value(sampler, prior, queries, **call):
    answers = sampler.sample(queries, slots=1 << 14, **call).answers
    index = np.ravel_multi_index(answers.numpy().T, prior.shape)
    expected = prior.flatten().numpy() / float(prior.sum())
    counts = np.bincount(index, minlength=prior.numel())
    assert (counts[expected == 0] == 0).all()
    return stats.chisquare(counts[expected > 0], expected[expected > 0] * len(answers)).pvalue


@pytest.mark.parametrize(
    "order", [Random(), Confidence()], ids=["random order", "the order of the candidates' confidence"]
)
def test_one_token_a_step_in_a_random_order_samples_the_distribution_and_a_greedy_order_does_not(order):
    # A candidate's own probability is known only once it is drawn, so choosing by it prefers likely tokens.
    sampler = Sampler(oracle(3, 3), proposal=Draw(), order=order, pace=FixedCount(1))
    p = p_value(sampler, table(3, 3), blank(SAMPLES))
    assert p > 1e-4 if isinstance(order, Random) else p < 1e-6


@pytest.mark.parametrize("schedule", [Linear(), Cosine()])
@pytest.mark.parametrize("steps", [1, 3])
def test_ancestral_sampling_has_the_law_of_its_enumeration(steps, schedule):
    """Every way in which three positions fall to the steps of the clock, times what is drawn apart in each step."""
    prior = table(3, 3)
    levels = torch.linspace(1, 0, steps + 1, dtype=torch.float64)
    share = schedule.alpha(levels).diff().tolist()  # of the positions, committed in each step
    law = torch.zeros_like(prior)
    for when in np.ndindex(*(steps,) * 3):
        drawn = torch.ones_like(prior)
        for i in range(3):
            before = [j for j in range(3) if when[j] < when[i]]
            drawn = drawn * share[when[i]] * conditional(prior, i, before)
        law += drawn
    torch.testing.assert_close(law.sum(), torch.tensor(1.0, dtype=torch.float64))
    denoiser = OracleDenoiser.of_table(prior, Absorbing(3, schedule))
    sampler = Sampler(denoiser, Draw(), Random(), Ancestral(steps))
    assert p_value(sampler, law, blank(SAMPLES), seed=1) > 1e-4
    # Tokens of one step are drawn apart and miss their dependence: this is not yet the distribution.
    assert p_value(sampler, prior, blank(SAMPLES), seed=1) < 1e-6


def conditional(prior, position, given):
    """p(x_position | x_given) for every sequence x, in the shape of the table."""
    together = prior
    for other in set(range(3)) - {position, *given}:
        together = together.sum(other, keepdim=True)
    return (together / together.sum(position, keepdim=True)).expand_as(prior)


def test_variations_of_one_prompt_follow_the_posterior():
    prior = table(3, 3)
    prompt = Queries.of(torch.tensor([[3, 2, 3]]), torch.tensor([[1, 0, 1]]))
    posterior = torch.zeros_like(prior)
    posterior[:, 2] = prior[:, 2]
    sampler = Sampler(oracle(3, 3), Draw(), Random(), FixedCount(1))
    assert p_value(sampler, posterior, prompt, n=20_000) > 1e-4
