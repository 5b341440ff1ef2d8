"""Plans: rules that decide over all positions at once, in the place of order, pace and remasking. `Plan` is the base of
a rule of your own."""

from adaptive_diffusion.core.rule import Plan
from adaptive_diffusion.core.state import Decision
from adaptive_diffusion.rules.composed import Composed
from adaptive_diffusion.rules.plans.acceptance import EntropyBoundAcceptance
from adaptive_diffusion.rules.plans.correcting import CommitReplaceRemask, LearnedRevising
from adaptive_diffusion.rules.plans.ddpd import PlannedDenoising
from adaptive_diffusion.rules.plans.early_tokens import EarlyTokens
from adaptive_diffusion.rules.plans.editing import TokenEditing
from adaptive_diffusion.rules.plans.gidd import MixedPosteriorSampling, SelfCorrection
from adaptive_diffusion.rules.plans.prism import BinomialQuality, LowestQuality
from adaptive_diffusion.rules.plans.psi import (
    CappedRemasking,
    ConstantKappa,
    ConstantRemasking,
    GreedyTail,
    PsiSampling,
    RescaledRemasking,
)
from adaptive_diffusion.rules.plans.ranking import ExternalPlanning, ScoreRanking, SelfPlanning
from adaptive_diffusion.rules.plans.self_aware import SelfAwareKernel
from adaptive_diffusion.rules.plans.token_to_mask import ConfidentReplacement, LowTokenProbability, ProbabilityDrop
from adaptive_diffusion.rules.plans.uniform import PredictorCorrector, UniformPosterior, UniformRoutes
from adaptive_diffusion.rules.plans.wino import WideInNarrowOut
from adaptive_diffusion.rules.revision_limits import RevisionLimits

__all__ = [
    "BinomialQuality",
    "CappedRemasking",
    "CommitReplaceRemask",
    "Composed",
    "ConfidentReplacement",
    "ConstantKappa",
    "ConstantRemasking",
    "Decision",
    "EarlyTokens",
    "EntropyBoundAcceptance",
    "ExternalPlanning",
    "GreedyTail",
    "LearnedRevising",
    "LowTokenProbability",
    "LowestQuality",
    "MixedPosteriorSampling",
    "Plan",
    "PlannedDenoising",
    "PredictorCorrector",
    "ProbabilityDrop",
    "PsiSampling",
    "RescaledRemasking",
    "RevisionLimits",
    "ScoreRanking",
    "SelfAwareKernel",
    "SelfCorrection",
    "SelfPlanning",
    "TokenEditing",
    "UniformPosterior",
    "UniformRoutes",
    "WideInNarrowOut",
]
