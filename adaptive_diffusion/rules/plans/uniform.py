"""The reverse process under uniform noise (Austin et al. 2021, arXiv 2107.03006; Schiff et al. 2024, arXiv 2412.10193).

A token that is written counts as committed; at the last step every position is.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from adaptive_diffusion.core.prediction import Logits, LogitStatistic, Prediction
from adaptive_diffusion.core.rule import UNIFORM, Plan
from adaptive_diffusion.core.state import Candidate, Decision, SamplerState
from adaptive_diffusion.rules.proposal import inverse_cdf
from adaptive_diffusion.rules.top_k import best


@dataclass(frozen=True)
class Clock:
    """`steps` steps of the reverse process, `sweeps` of the corrector before each but those at the very start, all
    inside the budget; a sweep is a step with the clock held, and the last step always predicts."""

    steps: int
    sweeps: int = 0

    def __post_init__(self) -> None:
        if self.steps < 1 or self.sweeps < 0:
            raise ValueError(f"steps={self.steps} must be at least 1 and sweeps={self.sweeps} not negative")

    def predicts(self, step: Tensor) -> Tensor:
        """Whether a step predicts, elementwise."""
        return (self.steps - 1 - step) % (1 + self.sweeps) == 0

    def level(self, step: Tensor) -> Tensor:
        """float64 noise level before a step: the share of predictor steps that are still to come."""
        period = 1 + self.sweeps
        left = (self.steps - step).clamp(min=0)
        return ((left + period - 1) // period).double() / ((self.steps + period - 1) // period)


@dataclass(frozen=True)
class Posterior(LogitStatistic):
    """`posterior` [P], x_s drawn from p(x_s | x_t) for a leave-one-out p, and its probability:

    ∝ α_t·K·p⊙e_x + (α_t/α_s − α_t)·e_x + (α_s − α_t)·p + (1 − α_t/α_s)(1 − α_s)/K, x the token that stands.
    """

    clock: Clock

    def __call__(self, logits: Logits) -> dict[str, Tensor]:
        p, state = logits.values.double().softmax(-1), logits.state
        schedule, vocabulary = state.corruption.schedule, p.shape[-1]
        at = schedule.alpha(state.noise_level)[logits.rows, None]
        later = schedule.alpha(self.clock.level(state.step + 1))[logits.rows, None]
        stand = torch.nn.functional.one_hot(logits.standing.clamp(max=vocabulary - 1), vocabulary)
        kept = at / later.clamp(min=1e-300)
        mass = (at * vocabulary * p + kept - at) * stand + (later - at) * p + (1 - kept) * (1 - later) / vocabulary
        token = inverse_cdf(mass, logits.uniforms("posterior"))
        probability = (mass / mass.sum(-1, keepdim=True)).gather(-1, token[:, None])[:, 0]
        return {"posterior": token, "posterior_probability": probability}


@dataclass(frozen=True)
class Gibbs(LogitStatistic):
    """The conditional of one position given the others at the present noise level, α_t·p + (1 − α_t)/K for a
    leave-one-out p: `gibbs` [P] drawn from it, its probability, and `gibbs_margin`, the log-odds of the token that
    stands against the best other."""

    def __call__(self, logits: Logits) -> dict[str, Tensor]:
        p, state = logits.values.double().softmax(-1), logits.state
        alpha = state.corruption.schedule.alpha(state.noise_level)[logits.rows, None]
        conditional = alpha * p + (1 - alpha) / p.shape[-1]
        token = inverse_cdf(conditional, logits.uniforms("gibbs"))
        standing = logits.standing.clamp(max=p.shape[-1] - 1)[:, None]
        log = conditional.log()
        margin = log.gather(-1, standing)[:, 0] - log.scatter(-1, standing, -torch.inf).amax(-1)
        probability = conditional.gather(-1, token[:, None])[:, 0]
        return {"gibbs": token, "gibbs_probability": probability, "gibbs_margin": margin}


@dataclass(frozen=True)
class UniformPosterior(Plan):
    """x_s drawn from the posterior of a leave-one-out denoiser: one trained on the likelihood bound, or an ordinary one
    behind the processor `LeaveOneOut`. With an ordinary prediction a token's own evidence would count twice."""

    steps: int
    corruptions = UNIFORM
    reads_committed = True
    bounded = True

    @property
    def clock(self) -> Clock:
        """Equal steps without sweeps."""
        return Clock(self.steps)

    def __post_init__(self) -> None:
        assert self.clock

    def logit_statistics(self) -> tuple[LogitStatistic, ...]:
        return (Posterior(self.clock),)

    def horizon(self, length: int) -> int:
        return self.steps

    def __call__(self, state: SamplerState, prediction: Prediction, candidate: Candidate) -> Decision:
        last = state.step + 1 >= self.steps
        token = prediction["posterior"]
        nothing = torch.zeros_like(state.open)
        write = state.eligible & ((token != state.tokens) | last[:, None])
        level = self.clock.level(state.step + 1)
        return Decision(write, token, prediction["posterior_probability"].float(), nothing, nothing, level, last)


@dataclass(frozen=True)
class PredictorCorrector(UniformPosterior):
    """`UniformPosterior` with `sweeps` Gibbs sweeps before every step: `count` positions of the least margin, by Gumbel
    noise of temperature `tau`, are drawn again from their conditional, which leaves the marginals as they are
    (Gourevitch et al. 2026, arXiv 2605.22765; diffusers' discrete DDIM). Leave-one-out predictions, as above.

    With `sweeps` 0 it is `UniformPosterior`.
    """

    sweeps: int = 1
    count: int = 1
    tau: float = 1.0

    @property
    def clock(self) -> Clock:
        """Sweeps count inside the step budget."""
        return Clock(self.steps, self.sweeps)

    def logit_statistics(self) -> tuple[LogitStatistic, ...]:
        return Posterior(self.clock), Gibbs()

    def __call__(self, state: SamplerState, prediction: Prediction, candidate: Candidate) -> Decision:
        predicted = super().__call__(state, prediction, candidate)
        predicts = self.clock.predicts(state.step)[:, None]
        uniform = state.noise.everywhere("corrector", state.tokens.shape[1]).clamp(min=2.0**-54)
        doubt = -prediction["gibbs_margin"] / self.tau - (-uniform.log()).log()
        swept = best(doubt, state.eligible, torch.full_like(state.step, self.count))
        token = torch.where(predicts, predicted.token, prediction["gibbs"])
        probability = torch.where(predicts, predicted.probability, prediction["gibbs_probability"].float())
        write = torch.where(predicts, predicted.write, swept & (token != state.tokens))
        return Decision(
            write, token, probability, predicted.remask, predicted.renoise, predicted.noise_level, predicted.settled
        )


@dataclass(frozen=True)
class UniformRoutes(Plan):
    """x_0 ~ p from the proposal, then one of three routes: to x_0, stay, or to a uniformly drawn token, with masses
    α_s(1 − a)/K + a·α_s·1[x_t = x_0], a(1 − α_s)/K and (1 − a)(1 − α_s)/K, a = α_t/α_s. Exact for an ordinary posterior
    and the proposal `Draw` (diffusers' discrete DDIM)."""

    steps: int
    corruptions = UNIFORM
    reads_committed = True
    bounded = True

    def __post_init__(self) -> None:
        Clock(self.steps)

    def horizon(self, length: int) -> int:
        return self.steps

    def __call__(self, state: SamplerState, prediction: Prediction, candidate: Candidate) -> Decision:
        next_level = Clock(self.steps).level(state.step + 1)
        clean, stay = self.routes(state, candidate, next_level)
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

    def routes(self, state: SamplerState, candidate: Candidate, next_level: Tensor) -> tuple[Tensor, Tensor]:
        """[B, L] float64 probabilities of the routes to x_0 and to where it is."""
        schedule, vocabulary = state.corruption.schedule, state.corruption.vocabulary  # type: ignore[attr-defined]
        at, later = schedule.alpha(state.noise_level)[:, None], schedule.alpha(next_level)[:, None]
        kept = at / later
        same = (candidate.token == state.tokens).double()
        clean = later * (1 - kept) / vocabulary + kept * later * same
        stay = (kept * (1 - later) / vocabulary).expand_as(clean)
        noise = (1 - kept) * (1 - later) / vocabulary
        return clean / (clean + stay + noise), stay / (clean + stay + noise)
