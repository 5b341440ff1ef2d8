"""Statistics of logits that several rules use. Each computes named [P] summaries from processed logits, in float32."""

from dataclasses import dataclass

from torch import Tensor

from adaptive_diffusion.core.prediction import Logits, LogitStatistic


@dataclass(frozen=True)
class Top(LogitStatistic):
    """`argmax`, its probability `confidence` p₍₁₎, and `margin` p₍₁₎ − p₍₂₎; by top-2, never by a sort."""

    def __call__(self, logits: Logits) -> dict[str, Tensor]:
        token = logits.top[1]
        probability = logits.probability.gather(-1, token)
        return {
            "argmax": token[:, 0],
            "confidence": probability[:, 0],
            "margin": probability[:, 0] - probability[:, -1],
        }


@dataclass(frozen=True)
class Entropy(LogitStatistic):
    """`entropy` H = −Σ p log p, in nats.

    As Σ p·(x₍₁₎ − x) − log p₍₁₎ of the logits x: both terms are positive, so nothing cancels, and no logarithm is taken
    but one a position.
    """

    def __call__(self, logits: Logits) -> dict[str, Tensor]:
        value, token = (part[:, :1] for part in logits.top)
        # An impossible token, x = −∞, would be ∞ times 0.
        below = (logits.values - value).clamp_(min=-1e4).mul_(logits.probability).sum(-1)
        return {"entropy": -below - logits.probability_of(token[:, 0]).log()}


@dataclass(frozen=True)
class CurrentTokenProbability(LogitStatistic):
    """`current_token_probability`: the probability of the token that stands at the position now (0 for a mask)."""

    def __call__(self, logits: Logits) -> dict[str, Tensor]:
        standing = logits.standing
        known = standing < logits.values.shape[-1]
        return {"current_token_probability": logits.probability_of(standing.where(known, 0)).where(known, 0.0)}
