"""The samplers that are compared: each draws its tokens, because new molecules are to differ."""

from adaptive_diffusion.rules.adaptive import EntropyBound
from adaptive_diffusion.rules.klass import KLStability, StableOrQuota
from adaptive_diffusion.rules.order import LeftToRight, LowEntropy, Random
from adaptive_diffusion.rules.pace import FixedCount, FixedSteps, Threshold
from adaptive_diffusion.rules.plans.ranking import SelfPlanning
from adaptive_diffusion.rules.proposal import Draw
from adaptive_diffusion.sampling.sampler import Sampler

STEPS = 4, 8, 16


def settings(steps=STEPS):
    """By family and name, the parts of a sampler: fixed steps in random order and in order of entropy, thresholds,
    entropy bound, KLASS, P2, one token a forward from the left, and blocks of 4 and 8 from the left."""
    orders = {"random": Random(), "entropy": LowEntropy()}
    found = {
        family: {f"{family}_{count}": {"order": order, "pace": FixedSteps(count)} for count in steps}
        | {f"{family}_all": {"order": order, "pace": FixedCount()}}
        for family, order in orders.items()
    }
    found["klass"] = {f"klass_{count}": {"order": KLStability(), "pace": StableOrQuota(steps=count)} for count in steps}
    found["p2"] = {f"p2_{count}": {"plan": SelfPlanning(steps=count)} for count in steps}
    found["threshold"] = {f"threshold_{tau}": {"pace": Threshold(tau)} for tau in (0.3, 0.5, 0.7, 0.9)}
    found["entropy_bound"] = {
        f"entropy_bound_{gamma}": {"order": LowEntropy(), "pace": EntropyBound(gamma)} for gamma in (0.1, 0.5, 2.0)
    }
    for length in (4, 8):
        found[f"blocks_{length}"] = {
            f"blocks_{length}_{count}": {"order": LowEntropy(), "pace": FixedSteps(count), "block_length": length}
            for count in (length // 4, length // 2, length)
        }
    found["left_to_right"] = {"left_to_right": {"order": LeftToRight(), "pace": FixedCount()}}
    return found


def block_settings(length):
    """By family and name, the parts of a sampler of a denoiser that writes blocks of `length`: fixed steps a block in
    random order and in order of entropy, a forward per token, thresholds and entropy bounds."""
    counts = sorted({max(1, length // 4), max(1, length // 2), length})
    orders = {"random": Random(), "entropy": LowEntropy()}
    found = {
        family: {f"{family}_{count}_a_block": {"order": order, "pace": FixedSteps(count)} for count in counts}
        | {f"{family}_all": {"order": order, "pace": FixedCount()}}
        for family, order in orders.items()
    }
    found |= {family: settings()[family] for family in ("threshold", "entropy_bound")}
    return {
        family: {name: {**parts, "block_length": length} for name, parts in own.items()}
        for family, own in found.items()
    }


def masked_samplers(model, block_length=None):
    """The samplers of all settings by name; those of blocks for a denoiser that writes blocks."""
    return {
        name: Sampler(model, proposal=Draw(), **parts)
        for family in (block_settings(block_length) if block_length else settings()).values()
        for name, parts in family.items()
    }


TEMPERATURES = 0.5, 0.25, 0.1
"""Of the twin beside 1. Rules that commit what is confident make the masked denoiser's draws less random; at a lower
temperature the twin's are so too."""


def twins(model):
    """The twin at every temperature, by name."""
    cooler = {f"twin_{temperature}": from_the_left(model, temperature) for temperature in TEMPERATURES}
    return {"twin": from_the_left(model), **cooler}


def from_the_left(model, temperature=1.0, block_length=None):
    """A token a forward from the left: how the twin answers."""
    return Sampler(model, proposal=Draw(temperature), order=LeftToRight(), pace=FixedCount(), block_length=block_length)
