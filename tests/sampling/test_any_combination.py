"""Any combination of rules ends, keeps its word about counts, and treats every row alone."""

import warnings
from dataclasses import replace

import pytest
import torch
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from small_worlds import random_queries

from adaptive_diffusion.core.corruption import Absorbing, Uniform
from adaptive_diffusion.core.denoiser import Evaluation
from adaptive_diffusion.core.draws import at_random
from adaptive_diffusion.core.state import HaltReason
from adaptive_diffusion.models.policy import PolicyHead
from adaptive_diffusion.rules.adaptive import EntropyBound, Factor, Quota
from adaptive_diffusion.rules.composed import Composed
from adaptive_diffusion.rules.controls import RandomHalting
from adaptive_diffusion.rules.halting import (
    AllCommitted,
    AnswerProbability,
    MaxSteps,
    Prophet,
    Sched,
    StableAndConfident,
)
from adaptive_diffusion.rules.klass import KLStability, StableOrQuota
from adaptive_diffusion.rules.order import Confidence, GumbelConfidence, LeftToRight, LowEntropy, Margin, Random
from adaptive_diffusion.rules.pace import (
    Ancestral,
    CosineSteps,
    FirstHitting,
    FixedCount,
    FixedSteps,
    ProportionalSteps,
    RandomThreshold,
    Threshold,
)
from adaptive_diffusion.rules.plans.acceptance import EntropyBoundAcceptance
from adaptive_diffusion.rules.plans.correcting import CommitReplaceReopen, LearnedRevising, RandomlyHasty
from adaptive_diffusion.rules.plans.ddpd import PlannedDenoising
from adaptive_diffusion.rules.plans.early_tokens import EarlyTokens
from adaptive_diffusion.rules.plans.editing import TokenEditing
from adaptive_diffusion.rules.plans.gidd import MixedPosteriorSampling, SelfCorrection
from adaptive_diffusion.rules.plans.prism import BinomialQuality, LowestQuality
from adaptive_diffusion.rules.plans.psi import ConstantKappa, GreedyTail, PsiSampling
from adaptive_diffusion.rules.plans.ranking import ExternalPlanning, ScoreRanking, SelfPlanning
from adaptive_diffusion.rules.plans.self_aware import SelfAwareKernel
from adaptive_diffusion.rules.plans.token_to_mask import ConfidentReplacement, LowTokenProbability, ProbabilityDrop
from adaptive_diffusion.rules.plans.uniform import PredictorCorrector, UniformPosterior, UniformRoutes
from adaptive_diffusion.rules.plans.wino import WideInNarrowOut
from adaptive_diffusion.rules.processor import LeaveOneOut, LinearTemperature, Suppress, Temperature, TopK, TopP
from adaptive_diffusion.rules.proposal import Argmax, Draw
from adaptive_diffusion.rules.remasking import LeastConfidentSpan, LowProbability, LowQuality, NoRemasking
from adaptive_diffusion.rules.remdm import AncestralLoop, ByConfidence, Cap, Rescale, WhileHeld
from adaptive_diffusion.rules.revision_limits import RevisionLimits
from adaptive_diffusion.sampling import Sampler
from adaptive_diffusion.sampling.step import step

K, L = 4, 6

ORDERS = [
    Random(),
    LeftToRight(),
    Confidence(),
    Margin(),
    LowEntropy(),
    GumbelConfidence(5),
    KLStability(epsilon=0.5, history=1),
]
PACES = [
    FixedSteps(4),
    FixedCount(2),
    CosineSteps(5),
    ProportionalSteps(4),
    Threshold(0.5),
    RandomThreshold(),
    Ancestral(5),
    AncestralLoop(8),
    FirstHitting(),
    Factor(1.0),
    EntropyBound(0.5),
    Quota(0.5, 4),
    StableOrQuota(4),
]
REMASKING = [
    NoRemasking(),
    LowQuality(0.3),
    LowProbability(0.2),
    Cap(0.3),
    Rescale(0.5),
    ByConfidence(),
    WhileHeld(0.3),
    LowQuality(0.9),
    LeastConfidentSpan(0.8),
]
HALTING = [
    AllCommitted(),
    MaxSteps(3),
    StableAndConfident(1, 0.9),
    Prophet(6),
    Sched(6),
    Sched(6, change=1.0),
    AnswerProbability(0.3),
    RandomHalting((1.0, 2.0, 1.0)),
]
ONE_A_STEP = Composed(Confidence(), FixedCount(1), NoRemasking())
PLANS = [
    SelfPlanning(5),
    ExternalPlanning(5, eta=2.0),
    ScoreRanking(5),
    LowestQuality(5, 1),
    BinomialQuality(5, 0.5),
    MixedPosteriorSampling(5),
    SelfAwareKernel(0.4, 7),
    ConfidentReplacement(ONE_A_STEP, 0.4),
    LowTokenProbability(ONE_A_STEP, 0.4),
    ProbabilityDrop(ONE_A_STEP, 0.1),
    WideInNarrowOut(0.3, 0.6),
    EntropyBoundAcceptance(0.5, steps=5),
    PlannedDenoising(6),
    UniformPosterior(5),
    PredictorCorrector(5, 1, 2),
    UniformRoutes(5),
    EarlyTokens(Composed(Confidence(), Quota(1.0, 4), NoRemasking()), high=8.0),
    EarlyTokens(Composed(Confidence(), FixedCount(1), LowProbability(0.2)), high=8.0, reach=3),
    PsiSampling(5, ConstantKappa(0.5)),
    GreedyTail(UniformPosterior(4)),
]
CORRECTING = [
    CommitReplaceReopen(0.9, 0.3, 0.7),
    CommitReplaceReopen(0.9, 0.9, 1.1),
    CommitReplaceReopen(1.1, 0.5, 0.6),
    RandomlyHasty(),
    LearnedRevising(head=PolicyHead(commit=0.8, doubt=0.6)),
]
PLANS += CORRECTING
PROCESSORS = [Temperature(0.7), LinearTemperature(5), TopK(2), TopP(0.8), Suppress((1,)), LeaveOneOut()]


FACTORS = {"quality": 0.9, "verified": 1.3, "drawn_quality": 1.1, "unmasking": 0.6}


class Hashing(torch.nn.Module):
    """Logits and judgements that follow from the sequence alone, row by row, without order or sense."""

    vocabulary = width = K
    memory, time_invariant = None, False

    def __init__(self, corruption, forwards):
        super().__init__()
        self.corruption, self.forwards, self.calls = corruption, forwards, {}

    def evaluate(self, state):
        for query, running in zip(state.query.tolist(), state.running.tolist(), strict=True):
            self.calls[query] = self.calls.get(query, 0) + running
        places = torch.arange(L)
        mixed = (state.tokens * 7 + places * 3).cumsum(1).double() + state.tokens.double().sum(1, keepdim=True)
        hidden = torch.stack([(mixed * (k + 1.7)).sin() * 3 for k in range(K)], dim=-1).float()
        judged = {name: (mixed * factor).sin() / 2 + 0.5 for name, factor in FACTORS.items()}
        planned = at_random((mixed * 0.7).sin() * 3, state.eligible, state.noise.once_a_step("planner"))
        return Evaluation(hidden, {**judged, "planner": (mixed * 0.7).sin() * 3, "planned": planned}, self.forwards)

    def logits(self, hidden):
        return hidden


@st.composite
def samplers(draw):
    corruption = draw(st.sampled_from([Absorbing(K), Uniform(K)]))

    def one(parts):
        return draw(st.sampled_from([part for part in parts if corruption.kind in part.corruptions]))

    plan = Composed(one(ORDERS), one(PACES), one(REMASKING))
    if draw(st.integers(0, 2)) == 0:
        plan = one(PLANS)
    if draw(st.booleans()):
        plan = draw(st.sampled_from([TokenEditing(plan, 0.5, 3), SelfCorrection(plan, patience=2, cap=4)]))
    processors = draw(st.lists(st.sampled_from(PROCESSORS), max_size=2))
    if corruption.kind == "absorbing":
        processors = [each for each in processors if not isinstance(each, LeaveOneOut)]
    processors.sort(key=lambda each: not isinstance(each, Suppress))  # the other order is refused
    return Sampler(
        Hashing(corruption, draw(st.integers(1, 2))),
        proposal=draw(st.sampled_from([Argmax(), Draw(), Draw(0.5)])),
        halting=one(HALTING),
        plan=plan,
        processors=tuple(processors),
        block_length=draw(st.sampled_from([None, None, 1, 2, 4])),
        limits=draw(st.sampled_from([None, RevisionLimits(), RevisionLimits(each=2, total=5, memory=2)])),
        end_tokens=draw(st.sampled_from([(), (), (2,), (0, 3)])),
    )


class Watch:
    """Checks every step: what is given stays, halted rows rest, revisions are what the sequences show."""

    def __init__(self, sampler):
        self.ends_answer, self.ends_text = sampler.halting.ends_answer, bool(sampler.end_tokens)

    def __call__(self, done):
        before, after = done.before, done.after
        frozen = ~before.editable
        assert torch.equal(after.tokens[frozen], before.tokens[frozen])
        ended = ((after.halt_reason == HaltReason.RULE) & self.ends_answer) | (~after.running & self.ends_text)
        beyond = ~before.eligible & ~ended[:, None]
        assert torch.equal(after.tokens[beyond], before.tokens[beyond])
        assert not (after.committed & frozen).any()
        assert (done.answer[before.running[:, None] & before.eligible] < K).all()
        stopped = ~before.running
        assert torch.equal(after.tokens[stopped], before.tokens[stopped])
        remasked = before.committed & ~after.committed
        retained = before.committed & after.committed & after.running[:, None]
        replaced = retained & (before.tokens != after.tokens)
        counted = after.revisions - before.revisions
        assert torch.equal(counted[after.running].bool(), (remasked | replaced)[after.running])


@settings(max_examples=150, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
@given(sampler=samplers(), seed=st.integers(0, 1000), limit=st.integers(1, 12))
def test_any_combination_of_rules(sampler, seed, limit):
    queries = random_queries(5, L, K, seed=seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        sampler.denoiser.calls.clear()
        result = sampler.sample(queries, seed=seed, slots=5, max_steps=limit, observers=[Watch(sampler)])
        calls = torch.tensor([sampler.denoiser.calls[int(query)] for query in queries.ids])
        alone = sampler.sample(queries.take(slice(3, 4)), seed=seed, max_steps=limit)
    forwards = sampler.denoiser.forwards
    blocks = -(-L // (sampler.block_length or L))
    assert (result.nfe <= limit * forwards * blocks).all()
    assert torch.equal(result.nfe, calls * forwards)
    assert (result.halt_reason > 0).all()
    assert ((result.answers >= 0) & (result.answers < K)).all()
    assert torch.equal(result.answers[~queries.editable], queries.tokens[~queries.editable])
    assert torch.equal(alone.answers[0], result.answers[3])
    assert (alone.nfe[0], alone.halt_reason[0]) == (result.nfe[3], result.halt_reason[3])
    assert alone.revisions[0] == result.revisions[3]


class Progress:
    """Every step of a row that goes on has changed its sequence or moved its clock."""

    def __call__(self, done):
        before, after = done.before, done.after
        same = (before.tokens == after.tokens) & (before.committed == after.committed)
        idle = same.all(1) & (before.noise_level == after.noise_level) & (before.block == after.block)
        assert not (idle & before.running & after.running).any()


@settings(max_examples=150, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
@given(sampler=samplers(), seed=st.integers(0, 1000))
def test_a_step_that_cannot_change_anything_ends_the_row(sampler, seed):
    """Plans that count their steps or draw may wait; all others change something in every step, also where a limit
    refuses what they would revise, and so no row reaches the step limit."""
    plan = sampler.plan
    assume(not plan.bounded)
    limited = replace(sampler, limits=sampler.limits or RevisionLimits(each=1))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        result = limited.sample(random_queries(5, L, K, seed=seed), seed=seed, max_steps=500, observers=[Progress()])
    assert not (result.halt_reason == int(HaltReason.STEP_LIMIT)).any()


@pytest.mark.parametrize("limits", [RevisionLimits(each=0), RevisionLimits(each=1), RevisionLimits(total=3)])
@pytest.mark.parametrize("plan", CORRECTING, ids=lambda plan: repr(plan))
def test_plans_that_correct_never_wait_for_a_refused_revision(plan, limits):
    sampler = Sampler(Hashing(Absorbing(K), 1), plan=plan, limits=limits)
    for seed in range(20):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)
            result = sampler.sample(random_queries(16, L, K, seed=seed), seed=seed, observers=[Progress()])
        assert (result.halt_reason == int(HaltReason.ALL_COMMITTED)).all()
        assert (result.nfe <= 2 * L + result.revisions).all()


def tensors(state):
    named = {name: value for name, value in vars(state).items() if isinstance(value, torch.Tensor)}
    return named | dict(state.carry)


RULES = {"order": ORDERS, "pace": PACES, "remasking": REMASKING, "plan": PLANS, "halting": HALTING}


@pytest.mark.parametrize(
    ("role", "rule"),
    [pytest.param(role, rule, id=type(rule).__name__) for role, rules in RULES.items() for rule in rules],
)
def test_a_step_leaves_its_input_as_it_was_and_can_be_made_again(role, rule):
    kind = Absorbing(K) if "absorbing" in rule.corruptions else Uniform(K)
    sampler = Sampler(Hashing(kind, 1), proposal=Draw(), **({"halting": StableAndConfident(2)} | {role: rule}))
    state = sampler.begin(random_queries(4, L, K), torch.zeros(4, dtype=torch.int64), seed=0)
    for _ in range(3):
        before = {name: value.clone() for name, value in tensors(state).items()}
        after = step(sampler, state, 9).after
        assert all(torch.equal(value, before[name]) for name, value in tensors(state).items())
        again = tensors(step(sampler, state, 9).after)
        assert all(torch.equal(value, again[name]) for name, value in tensors(after).items())
        state = after


def test_the_default_limit_ends_every_plan():
    for plan in PLANS:
        kind = Absorbing(K) if "absorbing" in plan.corruptions else Uniform(K)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)
            result = Sampler(Hashing(kind, 1), plan=plan, proposal=Draw()).sample(random_queries(3, L, K))
        assert (result.nfe <= plan.horizon(L)).all()


def test_a_rule_that_revised_nothing_warns():
    sampler = Sampler(Hashing(Absorbing(K), 1), remasking=LowQuality(-1.0))
    with pytest.warns(UserWarning, match="LowQuality revised nothing in 3 answers"):
        sampler.sample(random_queries(3, L, K))


def test_a_rule_that_cannot_revise_and_one_that_does_are_silent():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        Sampler(Hashing(Absorbing(K), 1)).sample(random_queries(3, L, K))
        Sampler(Hashing(Absorbing(K), 1), remasking=LowQuality(0.9)).sample(random_queries(3, L, K))
