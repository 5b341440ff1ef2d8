"""The continuous-time bound on the likelihood, for any corruption."""

from dataclasses import dataclass

import torch
from torch import Tensor

from adaptive_diffusion.core.corruption import Corruption
from adaptive_diffusion.core.loss_inputs import LossInputs
from adaptive_diffusion.objectives.objective import Objective


@dataclass(frozen=True)
class LikelihoodBound(Objective):
    """−log p(x_0) ≤ ∫ E[Σ_i D_i(t)] dt, with D_i the divergence of reverse rates at a position (`rate_divergence`); the
    mean over the editable positions of the batch, t as the sequences have it (uniform over (0, 1] for the bound).

    Under masks it is −α'/(1 − α)·(−log p) at open positions (Sahoo et al. 2024, arXiv 2406.07524; Shi et al. 2024,
    arXiv 2406.04329), under uniform noise the bound of UDLM and Duo (Schiff et al. 2024, arXiv 2412.10193; Sahoo et al.
    2025, arXiv 2506.10892), under `MaskUniform` that of GIDD (von Rütte et al. 2025, arXiv 2503.04482). Its minimiser
    is the *leave-one-out* posterior, what `UniformPosterior` wants; that of cross-entropy (`Denoising`) is the ordinary
    one.

    Where t is at least ε > 0, the rest of the likelihood is a `Reconstruction` at ε: −log p(x_0) ≤ (1 − ε)·mean + rest.
    Under masks the rest is about ε times the mean, so that the mean alone is the bound; under other noise D grows like
    1/√t, and without the rest the figure is too low (by 3% under `MaskUniform` with a share of .1 and ε = .001).

    Attributes:
        largest: at noise levels where the weight w(t) = −α'/(1 − α) exceeds this, D is scaled by largest/w. The weight,
            that of −log p under masks, grows like 1/t towards t = 0; towards t = 1 nothing is scaled.
    """

    weight: float = 1.0
    largest: float = float("inf")

    def __call__(self, inputs: LossInputs) -> dict[str, Tensor]:
        state = inputs.state
        where = state.editable
        p = inputs.model.logits(inputs.hidden[where]).double().softmax(-1)
        t = state.noise_level[:, None].expand_as(where)[where]
        loss = rate_divergence(state.corruption, p, inputs.clean[where], state.tokens[where], t, self.largest)
        return {"likelihood": self.weight * loss.sum() / where.sum().clamp(min=1)}


@dataclass(frozen=True)
class Reconstruction(Objective):
    """−log p(x_0 | x_t), the mean over the editable positions: what a `LikelihoodBound` over levels above ε leaves out,
    where the sequences are at t = ε. p(x_0 = k | x_t = z) ∝ p_k·q(z | k), p the leave-one-out prediction."""

    def __call__(self, inputs: LossInputs) -> dict[str, Tensor]:
        state, where = inputs.state, inputs.state.editable
        p = inputs.model.logits(inputs.hidden[where]).double().softmax(-1)
        every = torch.arange(p.shape[-1], device=p.device).expand(where.shape[1], -1)
        mass = p * state.corruption.evidence(state.tokens, state.noise_level, every, p.shape[-1])[where]
        right = mass.gather(-1, inputs.clean[where][:, None])[:, 0] / mass.sum(-1)
        return {"reconstruction": -right.clamp(min=1e-300).log().sum() / where.sum().clamp(min=1)}


def rate_divergence(
    corruption: Corruption, p: Tensor, clean: Tensor, token: Tensor, t: Tensor, largest: float = float("inf")
) -> Tensor:
    """[P] float64: ρ_z·Σ_{j≠z} (r̂_j − r_j − r_j·log(r̂_j/r_j)), r_j = q(j|x)/q(z|x), r̂_j = q(j|p)/q(z|p).

    z = `token` [P] is what stands at level t [P], x = `clean` [P] the truth, p [P, K] the prediction, q the marginal of
    the corruption and ρ_z the rate of its jumps to z: the divergence between the reverse rates of truth and prediction.
    It is scaled by min(1, largest/w), w = −α'/(1 − α) at t.
    """
    vocabulary = p.shape[-1]
    truth = corruption.marginal(torch.nn.functional.one_hot(clean, vocabulary), t)
    guess = corruption.marginal(p, t)
    here = token[:, None]
    rate = corruption.arrival(t, token, vocabulary)
    counts = rate > 0  # nothing leads to z: its ratios need not exist
    r = truth / truth.gather(-1, here).where(counts[:, None], 1.0)
    guessed = guess / guess.gather(-1, here).where(counts[:, None], 1.0)
    surprise = r * (r.clamp(min=1e-300).log() - guessed.clamp(min=1e-300).log())
    divergence = (guessed - r + surprise).scatter(-1, here, 0.0).sum(-1)
    schedule, level = corruption.schedule, t.double()
    weight = -schedule.derivative(level) / (1 - schedule.alpha(level)).clamp(min=1e-300)
    # Not ρ_z is bounded: it is large at t = 1, where the ratios that it multiplies are small.
    scale = (largest / weight.clamp(min=1e-300)).clamp(max=1)
    return (scale * rate * divergence).where(counts, 0.0)
