"""Plans: rules that decide over all positions at once, in the place of order, pace and remasking. `Plan` is the base of
a rule of your own."""

from adaptive_diffusion.core.rule import Plan
from adaptive_diffusion.core.state import Decision
from adaptive_diffusion.rules.composed import Composed
from adaptive_diffusion.rules.plans.acceptance import EntropyBoundAcceptance
from adaptive_diffusion.rules.plans.correcting import CommitReplaceReopen, LearnedRevising
from adaptive_diffusion.rules.plans.ddpd import PlannedDenoising
from adaptive_diffusion.rules.plans.early_tokens import EarlyTokens
from adaptive_diffusion.rules.plans.editing import SelfCorrection, TokenEditing
from adaptive_diffusion.rules.plans.ranking import ByQuality, ExternalPlanning, SelfPlanning
from adaptive_diffusion.rules.plans.uniform import PredictorCorrector, UniformPosterior, UniformRoutes
from adaptive_diffusion.rules.plans.wino import WideInNarrowOut
from adaptive_diffusion.rules.revision_limits import RevisionLimits

__all__ = [
    "ByQuality",
    "CommitReplaceReopen",
    "Composed",
    "Decision",
    "EarlyTokens",
    "EntropyBoundAcceptance",
    "ExternalPlanning",
    "LearnedRevising",
    "Plan",
    "PlannedDenoising",
    "PredictorCorrector",
    "RevisionLimits",
    "SelfCorrection",
    "SelfPlanning",
    "TokenEditing",
    "UniformPosterior",
    "UniformRoutes",
    "WideInNarrowOut",
]
