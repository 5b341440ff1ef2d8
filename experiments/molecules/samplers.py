"""The samplers that are compared: each draws its tokens, because new molecules are to differ."""

from adaptive_diffusion.rules.adaptive import EntropyBound
from adaptive_diffusion.rules.klass import KLStability, StableOrQuota
from adaptive_diffusion.rules.order import LeftToRight, LowEntropy, Random
from adaptive_diffusion.rules.pace import FixedCount, FixedSteps, Threshold
from adaptive_diffusion.rules.plans.ranking import SelfPlanning
from adaptive_diffusion.rules.proposal import Draw
from adaptive_diffusion.sampling.sampler import Sampler

STEPS = 4, 8, 16


def masked_samplers(model, steps=STEPS):
    """By name: fixed steps in random order and in order of entropy, thresholds, entropy bound, KLASS, P2, one token a
    forward from the left, and blocks of 4 and 8 from the left."""
    parts = {}
    for count in steps:
        parts[f"random_{count}"] = {"order": Random(), "pace": FixedSteps(count)}
        parts[f"entropy_{count}"] = {"order": LowEntropy(), "pace": FixedSteps(count)}
        parts[f"klass_{count}"] = {"order": KLStability(), "pace": StableOrQuota(steps=count)}
        parts[f"p2_{count}"] = {"plan": SelfPlanning(steps=count)}
    for tau in (0.3, 0.5, 0.7, 0.9):
        parts[f"threshold_{tau}"] = {"pace": Threshold(tau)}
    for gamma in (0.1, 0.5, 2.0):
        parts[f"entropy_bound_{gamma}"] = {"order": LowEntropy(), "pace": EntropyBound(gamma)}
    for length in (4, 8):
        for count in (length // 4, length // 2, length):
            parts[f"blocks_{length}_{count}"] = {
                "order": LowEntropy(),
                "pace": FixedSteps(count),
                "block_length": length,
            }
    parts["random_all"] = {"order": Random(), "pace": FixedCount()}
    parts["entropy_all"] = {"order": LowEntropy(), "pace": FixedCount()}
    parts["left_to_right"] = {"order": LeftToRight(), "pace": FixedCount()}
    return {name: Sampler(model, proposal=Draw(), **own) for name, own in parts.items()}


def from_the_left(model, temperature=1.0):
    """A token a forward from the left: how the twin answers."""
    return Sampler(model, proposal=Draw(temperature), order=LeftToRight(), pace=FixedCount())
