"""The reverse process under uniform noise (Austin et al. 2021, arXiv 2107.03006; Schiff et al. 2024, arXiv 2412.10193).

A token that is written counts as committed; at the last step every position is.
"""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from adaptive_diffusion.core.prediction import Logits, LogitStatistic, Prediction
from adaptive_diffusion.core.rule import UNIFORM, Plan
from adaptive_diffusion.core.state import Candidate, Decision, SamplerState
from adaptive_diffusion.rules.proposal import inverse_cdf
from adaptive_diffusion.rules.top_k import best


@dataclass(frozen=True)
class Clock:
    """`steps` steps in which a corrector sweeps `sweeps` times after each of the first ⌊(steps − 1)/(1 + sweeps)⌋
    predictor steps, at the noise level just reached. A sweep is a step with the clock held; the steps at the clean end
    all predict, such as p c c p c c p p p for 9 steps and 2 sweeps.

    Raises:
        ValueError: fewer than one step, a negative number of sweeps.
    """

    steps: int
    sweeps: int = 0

    def __post_init__(self) -> None:
        if self.steps < 1 or self.sweeps < 0:
            raise ValueError(f"steps={self.steps} must be at least 1 and sweeps={self.sweeps} not negative")

    @property
    def corrected(self) -> int:
        """How many predictor steps are followed by sweeps."""
        return (self.steps - 1) // (1 + self.sweeps)

    @property
    def predictor_steps(self) -> int:
        """How many steps predict."""
        return self.steps - self.corrected * self.sweeps

    def predicts(self, step: Tensor) -> Tensor:
        """Whether a step predicts, elementwise."""
        period = 1 + self.sweeps
        return (step % period == 0) | (step >= self.corrected * period)

    def level(self, step: Tensor) -> Tensor:
        """float64 noise level before a step: the share of predictor steps that are still to come."""
        period = 1 + self.sweeps
        sweeping = (step + self.sweeps) // period
        plain = self.corrected + step - self.corrected * period
        done = torch.where(step < self.corrected * period, sweeping, plain)
        return 1 - done.clamp(max=self.predictor_steps).double() / self.predictor_steps


def posterior_mass(
    p: Tensor, standing: Tensor, alpha_t: Tensor, alpha_s: Tensor, noise_tokens: int | None = None
) -> Tensor:
    """[P, V] float64, in proportion to q(x_s | x_t = `standing` [P]) for a leave-one-out prediction p [P, V] and α [P,
    1]:

    α_t·K·p⊙e_x + (α_t/α_s − α_t)·e_x + (α_s − α_t)·p + (1 − α_t/α_s)(1 − α_s)/K, x the token that stands; the last
    term, noise, belongs to the first K = `noise_tokens` tokens (by default all V). The sum is α_t·K·p_x + 1 − α_t.
    """
    vocabulary = p.shape[-1] if noise_tokens is None else noise_tokens
    stand = F.one_hot(standing.clamp(max=p.shape[-1] - 1), p.shape[-1])
    retained = alpha_t / alpha_s.clamp(min=1e-300)
    moved = (alpha_s - alpha_t) * p + (1 - retained) * (1 - alpha_s) / vocabulary * is_noise(p, vocabulary)
    return (alpha_t * vocabulary * p + retained - alpha_t) * stand + moved


def is_noise(p: Tensor, noise_tokens: int) -> Tensor:
    """[V] bool, which tokens of a prediction p [P, V] noise is drawn from: the first ones."""
    return torch.arange(p.shape[-1], device=p.device) < noise_tokens


def noise_tokens_of(logits: Logits) -> int:
    """K, how many tokens noise is drawn from; the logits may be more."""
    return logits.state.corruption.noise_tokens(logits.values.shape[-1])


def levels_of(clock: Clock, logits: Logits) -> tuple[Tensor, Tensor]:
    """[P, 1] float64 each, α before and after a step of this clock."""
    state = logits.state
    alpha = state.corruption.schedule.alpha
    now, later = alpha(state.noise_level), alpha(clock.level(state.step + 1))
    return now[logits.rows, None], later[logits.rows, None]


def drawn(mass: Tensor, logits: Logits, name: str) -> dict[str, Tensor]:
    """`name` [P], drawn in proportion to mass [P, V], and its probability `name_probability`."""
    token = inverse_cdf(mass, logits.uniforms(name))
    probability = (mass / mass.sum(-1, keepdim=True)).gather(-1, token[:, None])[:, 0]
    return {name: token, f"{name}_probability": probability}


@dataclass(frozen=True)
class Posterior(LogitStatistic):
    """`posterior` [P], x_s drawn from `posterior_mass`, and its probability."""

    clock: Clock

    def __call__(self, logits: Logits) -> dict[str, Tensor]:
        now, later = levels_of(self.clock, logits)
        p = logits.values.double().softmax(-1)
        mass = posterior_mass(p, logits.standing, now, later, noise_tokens_of(logits))
        return drawn(mass, logits, "posterior")


class Redrawing(Plan):
    """Plans under uniform noise on a clock of `steps` steps, after the last of which every position is committed."""

    steps: int
    corruptions = UNIFORM
    reads_committed = True
    bounded = True
    commits_noise = True
    draws = True

    @property
    def clock(self) -> Clock:
        """Equal steps without sweeps."""
        return Clock(self.steps)

    def __post_init__(self) -> None:
        assert self.clock  # which checks its values

    def horizon(self, length: int) -> int:
        return self.steps

    def redrawn(self, state: SamplerState, token: Tensor, probability: Tensor) -> Decision:
        """The decision that puts a token [B, L] at every position; positions where it stands already stay as they are,
        and are committed with the last step."""
        last = state.step + 1 >= self.steps
        nothing = torch.zeros_like(state.open)
        write = state.eligible & ((token != state.tokens) | last[:, None])
        return Decision(write, token, probability.float(), nothing, nothing, self.clock.level(state.step + 1), last)


@dataclass(frozen=True)
class UniformPosterior(Redrawing):
    """x_s drawn from the posterior of a leave-one-out denoiser: one trained on the likelihood bound, or an ordinary one
    behind the processor `LeaveOneOut`. With an ordinary prediction a token's own evidence would count twice."""

    steps: int

    def logit_statistics(self) -> tuple[LogitStatistic, ...]:
        return (Posterior(self.clock),)

    def __call__(self, state: SamplerState, prediction: Prediction, candidate: Candidate) -> Decision:
        return self.redrawn(state, prediction["posterior"], prediction["posterior_probability"])


def routes(state: SamplerState, candidate: Candidate, vocabulary: int, next_level: Tensor) -> tuple[Tensor, Tensor]:
    """[B, L] float64 probabilities of the routes to x_0 (the candidate) and to where it is, on the way to a level [B].

    The masses to x_0, to stay and to noise are α_s(1 − a)/K + a·α_s·1[x_t = x_0], a(1 − α_s)/K and (1 − a)(1 − α_s)/K,
    a = α_t/α_s.
    """
    schedule = state.corruption.schedule
    at, later = schedule.alpha(state.noise_level)[:, None], schedule.alpha(next_level)[:, None]
    retained = at / later
    same = (candidate.token == state.tokens).double()
    clean = later * (1 - retained) / vocabulary + retained * later * same
    stay = (retained * (1 - later) / vocabulary).expand_as(clean)
    noise = (1 - retained) * (1 - later) / vocabulary
    return clean / (clean + stay + noise), stay / (clean + stay + noise)


class Routing(Redrawing):
    """x_0 ~ p from the proposal, then one of three `routes`: to x_0, stay, or to a uniformly drawn token."""

    def routed(self, state: SamplerState, candidate: Candidate) -> Decision:
        """The decision of a predictor step."""
        next_level = self.clock.level(state.step + 1)
        vocabulary = state.corruption.vocabulary  # type: ignore[attr-defined]
        clean, stay = routes(state, candidate, vocabulary, next_level)
        uniform = state.noise.everywhere("route", state.tokens.shape[1])
        to_clean = state.eligible & (uniform < clean)
        to_noise = state.eligible & (uniform >= clean + stay)
        last = state.step + 1 >= self.steps
        return Decision(
            write=to_clean | (state.eligible & last[:, None]),
            token=candidate.token,
            probability=candidate.probability,
            remask=to_noise & state.committed & ~last[:, None],
            renoise=to_noise & state.open,
            noise_level=next_level,
            settled=last,
        )


@dataclass(frozen=True)
class UniformRoutes(Routing):
    """The reverse process by routes: exact for an ordinary posterior and the proposal `Draw` (diffusers' discrete
    DDIM)."""

    steps: int

    def __call__(self, state: SamplerState, prediction: Prediction, candidate: Candidate) -> Decision:
        return self.routed(state, candidate)


@dataclass(frozen=True)
class Gibbs(LogitStatistic):
    """The conditional of one position given the others at the present noise level, α_t·p + (1 − α_t)/K, with p the
    leave-one-out prediction: log(1 + Kα/(1 − α)) is subtracted from the logit of the token that stands there.

    `gibbs` [P] is drawn from it, `gibbs_probability` is its probability, and `gibbs_margin` the log-odds of the token
    that stands against the best other.
    """

    def __call__(self, logits: Logits) -> dict[str, Tensor]:
        state, vocabulary = logits.state, noise_tokens_of(logits)
        alpha = state.corruption.schedule.alpha(state.noise_level)[logits.rows, None]
        standing = logits.standing.clamp(max=logits.values.shape[-1] - 1)[:, None]
        own = torch.log1p(vocabulary * alpha / (1 - alpha)).where(alpha < 1, 0.0)
        p = logits.values.double().scatter_add(-1, standing, -own).softmax(-1)
        conditional = alpha * p + (1 - alpha) / vocabulary * is_noise(p, vocabulary)
        log = conditional.log()
        margin = log.gather(-1, standing)[:, 0] - log.scatter(-1, standing, -torch.inf).amax(-1)
        return {**drawn(conditional, logits, "gibbs"), "gibbs_margin": margin}


@dataclass(frozen=True)
class PredictorCorrector(Routing):
    """`UniformRoutes` with `sweeps` Gibbs sweeps after its first steps, see `Clock`: in a sweep `count` positions of
    the least margin, by Gumbel noise of temperature `tau`, are drawn again from their conditional, which leaves the
    marginals as they are (Gourevitch et al. 2026, arXiv 2605.22765; diffusers' discrete DDIM). For an ordinary
    posterior and the proposal `Draw`; only the corrector leaves a token's own evidence out.

    With `sweeps` 0 it is `UniformRoutes`.
    """

    steps: int
    sweeps: int = 1
    count: int = 1
    tau: float = 1.0

    @property
    def clock(self) -> Clock:
        """Sweeps count inside the step budget."""
        return Clock(self.steps, self.sweeps)

    def logit_statistics(self) -> tuple[LogitStatistic, ...]:
        return (Gibbs(),)

    def swept(self, state: SamplerState, prediction: Prediction) -> Tensor:
        """[B, L] bool, the positions of a sweep."""
        uniform = state.noise.everywhere("corrector", state.tokens.shape[1]).clamp(min=2.0**-54)
        doubt = -prediction["gibbs_margin"] / self.tau - (-uniform.log()).log()
        return best(doubt, state.eligible, torch.full_like(state.step, self.count))

    def __call__(self, state: SamplerState, prediction: Prediction, candidate: Candidate) -> Decision:
        predicted = self.routed(state, candidate)
        predicts = self.clock.predicts(state.step)[:, None]
        token = torch.where(predicts, candidate.token, prediction["gibbs"])
        probability = prediction["gibbs_probability"].to(candidate.probability)
        swept = self.swept(state, prediction) & (token != state.tokens)
        return Decision(
            write=torch.where(predicts, predicted.write, swept),
            token=token,
            probability=torch.where(predicts, candidate.probability, probability),
            remask=predicted.remask & predicts,
            renoise=predicted.renoise & predicts,
            noise_level=predicted.noise_level,
            settled=predicted.settled,
        )
