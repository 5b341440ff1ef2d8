"""Which rules keep the exact distribution, and the limits in which rules agree with their baselines."""

import warnings
from dataclasses import replace

import pytest
import torch
from scipy import stats
from small_worlds import table

from adaptive_diffusion.core.corruption import Absorbing, MaskUniform, Uniform
from adaptive_diffusion.core.query import Queries
from adaptive_diffusion.models.oracle import LeaveOneOutOracle, OracleDenoiser
from adaptive_diffusion.rules.adaptive import EntropyBound, Factor, Quota
from adaptive_diffusion.rules.composed import Composed
from adaptive_diffusion.rules.controls import RandomHalting
from adaptive_diffusion.rules.halting import Prophet, Sched, StableAndConfident
from adaptive_diffusion.rules.klass import KLStability
from adaptive_diffusion.rules.order import Confidence, GumbelConfidence, LowEntropy, Random
from adaptive_diffusion.rules.pace import (
    Ancestral,
    CosineSteps,
    FirstHitting,
    FixedCount,
    FixedSteps,
    ProportionalSteps,
    Threshold,
)
from adaptive_diffusion.rules.plans.editing import TokenEditing
from adaptive_diffusion.rules.plans.gidd import MixedPosteriorSampling
from adaptive_diffusion.rules.plans.prism import BinomialQuality, LowestQuality
from adaptive_diffusion.rules.plans.psi import CappedRemasking, ConstantKappa, PsiSampling
from adaptive_diffusion.rules.plans.ranking import ExternalPlanning, SelfPlanning
from adaptive_diffusion.rules.plans.uniform import PredictorCorrector, UniformPosterior, UniformRoutes
from adaptive_diffusion.rules.plans.wino import WideInNarrowOut
from adaptive_diffusion.rules.processor import LeaveOneOut
from adaptive_diffusion.rules.proposal import Draw
from adaptive_diffusion.rules.remasking import LowProbability, LowQuality, NoRemasking
from adaptive_diffusion.rules.remdm import AncestralLoop, ByConfidence, Cap, Rescale, WhileHeld
from adaptive_diffusion.sampling import Sampler


class Judged(OracleDenoiser):
    """An oracle that also finds every standing token right."""

    def evaluate(self, state):
        sure = torch.ones(state.tokens.shape)
        return replace(super().evaluate(state), summaries={"quality": sure, "verified": sure, "drawn_quality": sure})


LENGTH = 2
PRIOR = table(3, LENGTH)
MASKED = Judged.of_table(PRIOR, Absorbing(3))
ORDINARY = OracleDenoiser.of_table(PRIOR, Uniform(3))
LEFT_OUT = LeaveOneOutOracle.of_table(PRIOR, Uniform(3))
SIGNIFICANT = 1e-4
"""A right sampler fails with this probability at a new seed; the seed is fixed."""


def blank(count, length=LENGTH):
    return Queries.of(torch.zeros(count, length), torch.ones(count, length))


def sampled(sampler, count=6_000):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        return sampler.sample(blank(count), slots=count)


def p_value(answers, expected=PRIOR):
    """Chi-square of answers [N, L] against a table."""
    index = answers @ torch.tensor([3 ** (LENGTH - 1 - i) for i in range(LENGTH)])
    observed = torch.bincount(index, minlength=expected.numel()).double()
    return stats.chisquare(observed.numpy(), (expected.flatten() * len(answers)).numpy()).pvalue


def total_variation(answers):
    index = answers @ torch.tensor([3 ** (LENGTH - 1 - i) for i in range(LENGTH)])
    observed = torch.bincount(index, minlength=PRIOR.numel()).double() / len(answers)
    return float((observed - PRIOR.flatten()).abs().sum() / 2)


# Positions committed in the same step are drawn apart; with this many steps that is far below what 6,000 samples show.
KEEP = {
    "many steps": {"pace": Ancestral(160)},
    "first hitting": {"pace": FirstHitting()},
    "cap": {"pace": Ancestral(160), "remasking": Cap(0.015)},
    "rescale": {"pace": Ancestral(160), "remasking": Rescale(0.05)},
    "loop": {"pace": AncestralLoop(160), "remasking": WhileHeld(0.02)},
}


@pytest.mark.parametrize("parts", KEEP.values(), ids=KEEP)
def test_under_masks_the_distribution_is_preserved(parts):
    result = sampled(Sampler(MASKED, proposal=Draw(), order=Random(), **parts))
    assert p_value(result.answers) > SIGNIFICANT
    if "remasking" in parts:
        assert result.revisions.double().mean() > 0.2


def marginal_of(parts, level_index, count=6_000):
    """The share of committed positions when a clock of steps has gone that far."""
    seen = []
    sampler = Sampler(MASKED, proposal=Draw(), order=Random(), **parts)
    sampler.sample(blank(count), slots=count, max_steps=level_index, observers=[lambda done: seen.append(done)])
    last = seen[-1]
    committed = (last.before.committed & ~last.decision.remask) | (last.decision.write & last.before.open)
    return float(committed.double().mean()), float(last.decision.noise_level[0])


@pytest.mark.parametrize("name", ["cap", "rescale", "loop"])
def test_remasking_keeps_the_share_of_clean_tokens_on_schedule(name):
    share, level = marginal_of(KEEP[name], 120)
    assert abs(share - (1 - level)) < 5 * 0.5 / (6_000 * LENGTH) ** 0.5


def test_remasking_by_confidence_does_not_keep_them():
    share, level = marginal_of({"pace": Ancestral(40), "remasking": ByConfidence()}, 30)
    assert share < 1 - level - 0.05


UNDER_UNIFORM_NOISE = {
    "leave-one-out": Sampler(LEFT_OUT, plan=UniformPosterior(40)),
    "ordinary, own evidence left out": Sampler(ORDINARY, plan=UniformPosterior(40), processors=(LeaveOneOut(),)),
    "ordinary, by routes": Sampler(ORDINARY, proposal=Draw(), plan=UniformRoutes(40)),
    "corrected": Sampler(ORDINARY, proposal=Draw(), plan=PredictorCorrector(60, sweeps=1, count=1, tau=1e6)),
    "half of it noised anew": Sampler(LEFT_OUT, plan=PsiSampling(60, ConstantKappa(0.5))),
    "remasked": Sampler(LEFT_OUT, plan=PsiSampling(60, CappedRemasking(0.05))),
}


@pytest.mark.parametrize("sampler", UNDER_UNIFORM_NOISE.values(), ids=UNDER_UNIFORM_NOISE)
def test_under_uniform_noise_the_distribution_is_preserved(sampler):
    assert p_value(sampled(sampler).answers) > SIGNIFICANT


@pytest.mark.parametrize("corruption", [MaskUniform(3, uniform=0.05), Absorbing(3)], ids=["mixed", "masks"])
def test_under_mixed_noise_the_distribution_is_preserved(corruption):
    # The clock ends at t = 1e-4, where a share of noise is left that grows with `uniform`.
    result = sampled(Sampler(LeaveOneOutOracle.of_table(PRIOR, corruption), plan=MixedPosteriorSampling(160)))
    assert p_value(result.answers) > SIGNIFICANT
    assert result.revisions.any() == (corruption != Absorbing(3))


def test_a_tokens_own_evidence_counted_twice_is_an_error_that_shows():
    assert total_variation(sampled(Sampler(ORDINARY, plan=UniformPosterior(40))).answers) > 0.05


def same(one, other, count=2000, world=MASKED):
    first, second = sampled(Sampler(world, **one), count), sampled(Sampler(world, **other), count)
    assert torch.equal(first.answers, second.answers)
    if "remasking" not in one and "halting" not in one:  # a rule that may still revise goes on to the end of its clock
        assert torch.equal(first.nfe, second.nfe)


PLAIN = {"proposal": Draw(), "order": Random(), "pace": Ancestral(6)}
ONE = {"proposal": Draw(), "pace": FixedCount(1)}
GREEDY = {"pace": FixedCount(1)}
EQUAL_RANDOM = {"proposal": Draw(), "order": Random(), "pace": FixedSteps(2)}
RANDOM = {"proposal": Draw(), "order": Random()}
LOOP = RANDOM | {"pace": AncestralLoop(20)}
LIMITS = {
    "cap at η = 0 is MDLM": (PLAIN | {"remasking": Cap(0.0)}, PLAIN),
    "rescale at η = 0 is MDLM": (PLAIN | {"remasking": Rescale(0.0)}, PLAIN),
    "confidence at η = 0 is MDLM": (PLAIN | {"remasking": ByConfidence(0.0)}, PLAIN),
    "P2 at η = 0 is confidence in equal steps": (
        {"proposal": Draw(), "plan": SelfPlanning(2, eta=0.0)},
        {"proposal": Draw(), "pace": FixedSteps(2)},
    ),
    "loop at η = 0 is its clock alone": (LOOP | {"remasking": WhileHeld(0.0)}, LOOP),
    "first hitting is one a step in random order": (
        RANDOM | {"pace": FirstHitting()},
        RANDOM | {"pace": FixedCount(1)},
    ),
    "τ = 1 is one a step": ({"proposal": Draw(), "pace": Threshold(1.0)}, ONE),
    "as many steps as positions is one a step": ({"proposal": Draw(), "pace": FixedSteps(LENGTH)}, ONE),
    "Dream in one step is one step": (
        {"proposal": Draw(), "pace": ProportionalSteps(1)},
        {"proposal": Draw(), "pace": FixedSteps(1)},
    ),
    "a cosine of many steps is one a step": ({"proposal": Draw(), "pace": CosineSteps(1000)}, ONE),
    "a quota of one above every confidence is one a step": ({"proposal": Draw(), "pace": Quota(1.0, LENGTH)}, ONE),
    "KLASS at ε = 0 is one a step": (
        {"proposal": Draw(), "order": KLStability(epsilon=0.0), "pace": Threshold(1.0)},
        ONE,
    ),
    "WINO that accepts nothing at once is one a step": (
        {"proposal": Draw(), "plan": WideInNarrowOut(accept=1.0, keep=1.1)},
        ONE,
    ),
    "P2 with a planner at η = 0 is confidence in equal steps": (
        {"proposal": Draw(), "plan": ExternalPlanning(2, eta=0.0)},
        {"proposal": Draw(), "pace": FixedSteps(2)},
    ),
    "PRISM that remasks none is plain": ({"proposal": Draw(), "plan": LowestQuality(2, 0)}, EQUAL_RANDOM),
    "PRISM that draws none is plain": ({"proposal": Draw(), "plan": BinomialQuality(2, 0.0)}, EQUAL_RANDOM),
    "quality is never below 0": (ONE | {"remasking": LowQuality(0.0)}, ONE),
    "probability is never below 0": (ONE | {"remasking": LowProbability(0.0)}, ONE),
    "no entropy is below 0": (GREEDY | {"halting": StableAndConfident(1, 0.0)}, GREEDY),
    "no gap reaches infinity": (
        ONE | {"halting": Prophet(4, early=torch.inf, middle=torch.inf, late=torch.inf)},
        ONE,
    ),
    "no gap reaches a threshold that stays at infinity": (ONE | {"halting": Sched(4, torch.inf, 0.0, 0.0)}, ONE),
    "a random halt after the last step is none": (ONE | {"halting": RandomHalting((0.0,) * LENGTH + (1.0,))}, ONE),
    "factor 0 is one a step": ({"proposal": Draw(), "pace": Factor(0.0)}, ONE),
    "γ below 0 is one a step": (
        {"proposal": Draw(), "order": LowEntropy(), "pace": EntropyBound(-1.0)},
        {"proposal": Draw(), "order": LowEntropy(), "pace": FixedCount(1)},
    ),
    "γ = 0 is one a step": (
        {"proposal": Draw(), "order": LowEntropy(), "pace": EntropyBound(0.0)},
        {"proposal": Draw(), "order": LowEntropy(), "pace": FixedCount(1)},
    ),
    "maskgit without noise is confidence on a cosine": (
        {"proposal": Draw(), "order": GumbelConfidence(2, 0.0), "pace": CosineSteps(2)},
        {"proposal": Draw(), "order": Confidence(), "pace": CosineSteps(2)},
    ),
    "editing above 1 edits nothing": (
        {"proposal": Draw(), "plan": TokenEditing(Composed(Confidence(), FixedCount(1), NoRemasking()), 1.0, extra=0)},
        ONE,
    ),
}


@pytest.mark.parametrize(("one", "other"), LIMITS.values(), ids=LIMITS)
def test_at_its_limit_a_rule_is_its_baseline(one, other):
    same(one, other)


def test_no_sweeps_is_no_corrector():
    drawn = {"proposal": Draw()}
    same(drawn | {"plan": PredictorCorrector(7, sweeps=0)}, drawn | {"plan": UniformRoutes(7)}, world=ORDINARY)


def test_a_rule_under_the_wrong_noise_is_refused_with_a_sentence():
    with pytest.raises(ValueError, match="UniformPosterior serves uniform corruption, but the denoiser was"):
        Sampler(MASKED, plan=UniformPosterior(4))
    with pytest.raises(ValueError, match="serves absorbing corruption"):
        Sampler(ORDINARY, remasking=Cap())
