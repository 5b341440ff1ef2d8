"""Every rule of the package at some setting, on a denoiser whose predictions follow from the sequence alone."""

import torch
from hypothesis import strategies as st

from adaptive_diffusion.core.corruption import Absorbing, Uniform
from adaptive_diffusion.core.denoiser import Evaluation
from adaptive_diffusion.core.draws import at_random
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
from adaptive_diffusion.rules.plans.correcting import (
    CommitReplaceRemask,
    CommitReplaceRemaskRandomThreshold,
    LearnedRevising,
)
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
from adaptive_diffusion.rules.proposal import Argmax, Draw, DrawAgain
from adaptive_diffusion.rules.remasking import BeginAnew, LeastConfidentSpan, LowProbability, LowQuality, NoRemasking
from adaptive_diffusion.rules.remdm import AncestralLoop, ByConfidence, Cap, Rescale, WhileHeld
from adaptive_diffusion.rules.revision_limits import RevisionLimits
from adaptive_diffusion.sampling import Sampler

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
    BeginAnew(0.8),
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
    CommitReplaceRemask(0.9, 0.3, 0.7),
    CommitReplaceRemask(0.9, 0.9, 1.1),
    CommitReplaceRemask(1.1, 0.5, 0.6),
    CommitReplaceRemaskRandomThreshold(),
    LearnedRevising(head=PolicyHead(commit=0.8, doubt=0.6)),
]
PLANS += CORRECTING
PROCESSORS = [Temperature(0.7), LinearTemperature(5), TopK(2), TopP(0.8), Suppress((1,)), LeaveOneOut()]
FACTORS = {"quality": 0.9, "verified": 1.3, "drawn_quality": 1.1, "unmasking": 0.6, "answer_quality": 0.8}


class Hashing(torch.nn.Module):
    """Logits and judgements that follow from the sequence alone, row by row, without order or sense."""

    vocabulary = width = K
    memory, time_invariant, computes_all_blocks = None, False, True

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
        proposal=draw(st.sampled_from([Argmax(), Draw(), Draw(0.5), DrawAgain(0.5)])),
        halting=one(HALTING),
        plan=plan,
        processors=tuple(processors),
        block_length=draw(st.sampled_from([None, None, 1, 2, 4])),
        limits=draw(st.sampled_from([None, RevisionLimits(), RevisionLimits(each=2, total=5, memory=2)])),
        end_tokens=draw(st.sampled_from([(), (), (2,), (0, 3)])),
    )
