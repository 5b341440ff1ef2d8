"""The readings that rules share. Each forms named [P] summaries from processed logits, in float32."""

from dataclasses import dataclass

from torch import Tensor

from adaptive_diffusion.core.prediction import Logits, Reading


@dataclass(frozen=True)
class Top(Reading):
    """`argmax`, its probability `confidence` p₍₁₎, and `margin` p₍₁₎ − p₍₂₎; by top-2, never by a sort."""

    def __call__(self, logits: Logits) -> dict[str, Tensor]:
        probability, token = logits.top
        return {
            "argmax": token[:, 0],
            "confidence": probability[:, 0],
            "margin": probability[:, 0] - probability[:, -1],
        }


@dataclass(frozen=True)
class Entropy(Reading):
    """`entropy` H = −Σ p log p, in nats."""

    def __call__(self, logits: Logits) -> dict[str, Tensor]:
        plogp = logits.probability * logits.log_probability
        return {"entropy": -plogp.nan_to_num().sum(-1).clamp(max=0)}


@dataclass(frozen=True)
class Standing(Reading):
    """`standing_probability`: the probability of the token that stands at the position now (0 for a mask)."""

    def __call__(self, logits: Logits) -> dict[str, Tensor]:
        standing = logits.standing
        known = standing < logits.values.shape[-1]
        value = logits.log_probability.gather(-1, standing.where(known, 0)[:, None])[:, 0].exp()
        return {"standing_probability": value.where(known, 0.0)}
