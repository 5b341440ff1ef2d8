"""What is compared: eight settings of each rule."""

from adaptive_diffusion.rules.adaptive import EntropyBound
from adaptive_diffusion.rules.gain import LikelihoodGain
from adaptive_diffusion.rules.halting import AnswerProbability, StableAndConfident
from adaptive_diffusion.rules.learned_halting import CostAware, LearnedHalting
from adaptive_diffusion.rules.order import LowEntropy, Margin
from adaptive_diffusion.rules.pace import FixedCount, FixedSteps, Threshold
from adaptive_diffusion.runs.halting_rules import Trial
from adaptive_diffusion.runs.stage import checkpoint
from adaptive_diffusion.sampling.sampler import Sampler

FIXED = "fixed", "fixed_margin", "limit"
"""The rules that spend the same on every problem: so many forwards in two orders, or one token a forward until a limit,
after which all that is open is filled in."""
HEADS = checkpoint("heads")
"""Where heads.py writes the model with its heads."""
LEARNED = {"agreement": LearnedHalting(), "agreement_cost_aware": CostAware()}
"""The rules that need them."""
MOST = 64
"""Forwards of the careful sampler: one byte each, so none of these problems is cut."""

STEPS = 1, 2, 4, 6, 8, 12, 16, 24
SHARES = 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.9
THRESHOLDS = 0.01, 0.02, 0.05, *SHARES
"""Of a token in thousands, few are as probable as a byte."""
LIKELIHOODS = 1e-12, 1e-9, 1e-7, 1e-5, 1e-4, 1e-3, 1e-2, 1e-1
GAINS = 0.2, 0.1, 0.05, 0.03, 0.02, 0.01, 0.003, 0
NATS = 0.1, 0.25, 0.5, 1, 2, 4, 8, 16


def paced():
    """Parts of samplers by rule: fixed steps by confidence and by the lead of the best token; what decides problem by
    problem by confidence, and by entropy."""
    return {
        "fixed": [{"pace": FixedSteps(steps)} for steps in STEPS],
        "fixed_margin": [{"order": Margin(), "pace": FixedSteps(steps)} for steps in STEPS],
        "threshold": [{"pace": Threshold(share)} for share in THRESHOLDS],
        "entropy_bound": [{"order": LowEntropy(), "pace": EntropyBound(nats)} for nats in NATS],
    }


def halting():
    """Halting rules without learning, tried on the careful sampler."""
    found = {
        "answer_probability": [AnswerProbability(share) for share in LIKELIHOODS],
        "stable": [StableAndConfident(1, share) for share in SHARES],
        "likelihood_gain": [LikelihoodGain(nats) for nats in GAINS],
    }
    return [
        Trial(f"{family}_{number}", family, rule)
        for family, rules in found.items()
        for number, rule in enumerate(rules)
    ]


def careful(model):
    """One byte a forward, the most confident first: what halting rules stop early and heads are fitted to."""
    return Sampler(model, pace=FixedCount())
