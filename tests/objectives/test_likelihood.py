"""The likelihood bound against entropies known by enumeration."""

import math

import numpy as np
import pytest
import torch
from small_worlds import sampler_state, sequences, table, transformer

from adaptive_diffusion.core.batch import Batch
from adaptive_diffusion.core.corruption import Absorbing, MaskUniform, Uniform
from adaptive_diffusion.core.loss_inputs import LossInputs
from adaptive_diffusion.core.query import Queries
from adaptive_diffusion.core.schedule import Cosine
from adaptive_diffusion.models.heads import DenoiserWithHeads
from adaptive_diffusion.models.oracle import LeaveOneOutOracle, OracleDenoiser
from adaptive_diffusion.objectives.likelihood import LikelihoodBound, Reconstruction, rate_divergence
from adaptive_diffusion.training.forward_process import ForwardProcess
from adaptive_diffusion.training.time_sampling import Smallest

K = 3
PRIOR = table(K, 2)
ENTROPY = float(-(PRIOR * PRIOR.log()).sum())


EVERY = torch.tensor(sequences(K, 2))
"""All clean sequences [9, 2], in the order of `PRIOR.flatten()`."""


def posterior(q, tokens, left_out):
    """p(x_0^i | x_t) [2, K] for tokens [2] and q [K, V], by enumeration."""
    evidence = q[EVERY, torch.as_tensor(tokens)]
    mass = torch.zeros(2, K, dtype=torch.float64)
    for i in range(2):
        weight = PRIOR.flatten() * evidence[:, 1 - i] * (1 if left_out else evidence[:, i])
        mass[i].index_add_(0, EVERY[:, i], weight)
    return mass / mass.sum(-1, keepdim=True)


def bound(corruption, left_out=True, nodes=8, least=0.0):
    """∫ E[Σ_i D_i] dt above `least` by quadrature over t and enumeration over x_0 and x_t."""

    def at(t):
        q, total = corruption.marginal(torch.eye(K), torch.full((K,), t, dtype=torch.float64)), 0.0
        for tokens in torch.tensor(sequences(q.shape[-1], 2)):
            p = posterior(q, tokens, left_out).repeat(len(EVERY), 1)
            level = torch.full((2 * len(EVERY),), t, dtype=torch.float64)
            divergence = rate_divergence(corruption, p, EVERY.flatten(), tokens.repeat(len(EVERY)), level)
            chance = PRIOR.flatten() * q[EVERY, tokens].prod(1)
            total += float((chance * divergence.view(-1, 2).sum(1).where(chance > 0, 0.0)).sum())
        return total

    # Gauss–Legendre in u with t = u²(3 − 2u), which takes the square-root ends of GIDD's rates away.
    points, weights = np.polynomial.legendre.leggauss(nodes)
    u = (points + 1) / 2
    weighed = (
        (least + (1 - least) * x * x * (3 - 2 * x), w * 3 * x * (1 - x)) for x, w in zip(u, weights, strict=True)
    )
    return (1 - least) * sum(weight * at(t) for t, weight in weighed)


CORRUPTIONS = {
    "masks": Absorbing(K),
    "masks on a cosine": Absorbing(K, Cosine()),
    "uniform": Uniform(K),
    "uniform on a cosine": Uniform(K, Cosine()),
    "masks and uniform": MaskUniform(K, uniform=0.2),
}


@pytest.mark.parametrize("corruption", CORRUPTIONS.values(), ids=CORRUPTIONS)
def test_the_bound_of_the_exact_leave_one_out_posterior_is_the_entropy(corruption):
    # Quadrature errs by the square of the node distance where a mixing rate grows like 1/√t.
    nodes = 24 if isinstance(corruption, MaskUniform) else 8
    assert bound(corruption, nodes=nodes) == pytest.approx(ENTROPY, abs=2e-3)


@pytest.mark.parametrize("corruption", CORRUPTIONS.values(), ids=CORRUPTIONS)
def test_a_bound_above_some_level_and_the_reconstruction_below_it_are_the_entropy(corruption):
    least, count = 0.1, 40_000
    drawn = torch.multinomial(PRIOR.flatten(), count, replacement=True, generator=torch.Generator().manual_seed(0))
    clean = EVERY[drawn]
    model = DenoiserWithHeads(LeaveOneOutOracle.of_table(PRIOR, corruption))
    batch = Batch(Queries.of(clean, torch.ones(count, 2)), clean)
    state, _ = ForwardProcess(count, least, Smallest()).begin(model, batch, 0)
    assert (state.noise_level == least).all()
    inputs = LossInputs(model, state, clean, model.denoiser.evaluate(state).hidden)
    below = 2 * float(Reconstruction()(inputs)["reconstruction"])
    assert below > 0.01
    assert bound(corruption, nodes=12, least=least) + below == pytest.approx(ENTROPY, abs=0.02)


def test_the_ordinary_posterior_is_worse_under_uniform_noise():
    assert bound(Uniform(K), left_out=False) > ENTROPY + 0.05


@pytest.mark.parametrize("corruption", CORRUPTIONS.values(), ids=CORRUPTIONS)
def test_rates_and_marginals_agree(corruption):
    """dq/dt = (α'/α)·q + ρ at every token: the forward equation of the noise process."""
    t, h, one = torch.tensor([0.37], dtype=torch.float64), 1e-6, torch.eye(K)[:1]
    slope = (corruption.marginal(one, t + h) - corruption.marginal(one, t - h)) / (2 * h)
    schedule, q = corruption.schedule, corruption.marginal(one, t)
    tokens = torch.arange(q.shape[-1])
    rates = corruption.arrival(t.expand(len(tokens)), tokens, K)
    expected = (schedule.derivative(t) / schedule.alpha(t)) * q + rates
    torch.testing.assert_close(slope, expected, atol=1e-6, rtol=1e-5)
    assert float(q.sum()) == pytest.approx(1)


def test_under_masks_it_is_the_weighted_cross_entropy():
    p, t = torch.tensor([[0.2, 0.5, 0.3]]).double(), torch.tensor([0.4]).double()
    masked = rate_divergence(Absorbing(K), p, torch.tensor([1]), torch.tensor([K]), t)
    assert float(masked) == pytest.approx(0.693147181 / 0.4)
    assert float(rate_divergence(Absorbing(K), p, torch.tensor([1]), torch.tensor([1]), t)) == 0


def divergences(corruption, token, t, largest):
    p = torch.tensor([[0.5, 0.3, 0.2]], dtype=torch.float64)
    level = torch.tensor([t], dtype=torch.float64)
    return float(rate_divergence(corruption, p, torch.tensor([0]), torch.tensor([token]), level, largest))


@pytest.mark.parametrize(("t", "weight"), [(0.001, 20.0), (0.04, 20.0), (0.06, 1 / 0.06), (0.999, 1 / 0.999)])
def test_largest_bounds_the_weight_of_masks_near_zero_and_nowhere_else(t, weight):
    """Under masks D = −log p/t, here with p = ½; the bound of 20 holds below t = 1/20."""
    assert divergences(Absorbing(K), K, t, 20.0) == pytest.approx(weight * math.log(2))


def test_largest_bounds_uniform_noise_near_zero_and_nowhere_else():
    """With α = 1 − t, a wrong token and q_j = α·p_j + t/K: D = (Σ_j q̂_j/q̂_z − r_j − r_j·log(q̂_j/q̂_z/r_j))/(αK)."""
    for t, scale in ((0.001, 0.02), (0.999, 1.0)):
        alpha, p, r = 1 - t, (0.5, 0.3, 0.2), (1 + K * (1 - t) / t, 1.0, 1.0)
        ratio = [(alpha * value + t / K) / (alpha * p[1] + t / K) for value in p]
        total = sum(ratio[j] - r[j] - r[j] * math.log(ratio[j] / r[j]) for j in (0, 2))
        assert divergences(Uniform(K), 1, t, 20.0) == pytest.approx(scale * total / (alpha * K), rel=1e-9)


@pytest.mark.parametrize("token", [0, 1, K])
def test_largest_bounds_mixed_noise_near_zero_and_nowhere_else(token):
    corruption = MaskUniform(K, uniform=0.1)
    for t in (0.001, 0.5, 0.9, 0.999):
        h, level = 1e-7, torch.tensor(t, dtype=torch.float64)
        alpha = corruption.schedule.alpha
        weight = float((alpha(level - h) - alpha(level + h)) / (2 * h) / (1 - alpha(level)))
        expected = min(1.0, 20 / weight) * divergences(corruption, token, t, math.inf)
        assert divergences(corruption, token, t, 20.0) == pytest.approx(expected, rel=1e-5)
        assert (weight > 20) == (t == 0.001)


def test_the_diluted_schedule_is_inverted():
    schedule, t = MaskUniform(K, uniform=0.3).schedule, torch.linspace(0, 1, 21).double()
    torch.testing.assert_close(schedule.inverse(schedule.alpha(t)), t)


def test_masks_and_uniform_noise_come_in_their_shares():
    corruption, count = MaskUniform(K, uniform=0.2), 40_000
    generator = torch.Generator().manual_seed(0)
    uniforms, draws = torch.rand(2, count, 1, dtype=torch.float64, generator=generator)
    clean = torch.zeros(count, 1, dtype=torch.int64)
    tokens, noised = corruption.corrupt(clean, clean == 0, torch.full((count,), 0.5), uniforms, lambda: draws)
    seen = torch.bincount(tokens.flatten(), minlength=K + 1).double() / count
    expected = corruption.marginal(torch.eye(K)[:1], torch.tensor([0.5]))[0]
    assert (seen - expected).abs().max() < 5 * 0.5 / count**0.5
    assert float(expected[1] + expected[2]) == pytest.approx(0.2 * 2 / 3)
    assert not noised[uniforms < corruption.schedule.alpha(torch.tensor(0.5))].any()


@pytest.mark.parametrize("corruption", [Absorbing(5), Uniform(5), MaskUniform(5)], ids=lambda one: type(one).__name__)
def test_it_trains_a_denoiser_under_its_own_corruption(corruption):
    model = DenoiserWithHeads(transformer(corruption=corruption, status=False, time_conditioning=True).train())
    clean = torch.arange(9).remainder(5).expand(16, 9)
    optimizer, losses = torch.optim.Adam(model.parameters(), 1e-2), []
    for step in range(24):
        queries = Queries.of(clean, torch.ones(16, 9), 16 * step)
        state, _ = ForwardProcess(16).begin(model, Batch(queries, clean), 0)
        truth = clean
        hidden = model.denoiser.hidden(state.tokens, state.status, state.noise_level)
        loss = LikelihoodBound(largest=20.0)(LossInputs(model, state, truth, hidden))["likelihood"]
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert sum(losses[-4:]) < 0.7 * sum(losses[:4])
    assert all(loss >= 0 for loss in losses)


def test_the_oracles_of_uniform_noise_are_those_of_the_marginal():
    corruption, t = Uniform(K), 0.3
    q = corruption.marginal(torch.eye(K), torch.full((K,), t, dtype=torch.float64))
    for kind, left_out in ((OracleDenoiser, False), (LeaveOneOutOracle, True)):
        state = sampler_state([[0, 2]], corruption=corruption, noise_level=torch.tensor([t]).double())
        hidden = kind.of_table(PRIOR, corruption).evaluate(state).hidden[0].exp()
        torch.testing.assert_close(hidden, posterior(q, [0, 2], left_out))
