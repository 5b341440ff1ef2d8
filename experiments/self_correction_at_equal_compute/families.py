"""The samplers that are compared, families of several settings: those that need no head, and learned policies."""

from adaptive_diffusion.models.wrappers import ShadowVerified
from adaptive_diffusion.rules.composed import Composed
from adaptive_diffusion.rules.halting import AnswerProbability
from adaptive_diffusion.rules.learned_halting import LearnedHalting
from adaptive_diffusion.rules.order import Confidence, Random
from adaptive_diffusion.rules.pace import Ancestral, Threshold
from adaptive_diffusion.rules.plans.correcting import CommitReplaceRemask, LearnedRevising
from adaptive_diffusion.rules.plans.editing import TokenEditing
from adaptive_diffusion.rules.plans.gidd import SelfCorrection
from adaptive_diffusion.rules.plans.ranking import SelfPlanning
from adaptive_diffusion.rules.plans.wino import WideInNarrowOut
from adaptive_diffusion.rules.proposal import Draw
from adaptive_diffusion.rules.remasking import LowProbability, NoRemasking
from adaptive_diffusion.rules.remdm import ByConfidence, Cap, Rescale
from adaptive_diffusion.sampling import Sampler
from adaptive_diffusion.sampling.restart import Restart

THRESHOLDS = (0.5, 0.7, 0.8, 0.9, 0.92, 0.94, 0.95, 0.96, 0.97, 0.98, 0.99)
STEPS = (2, 3, 4, 6, 8, 12, 16, 24)
STOPS = (0.8, 0.9, 0.95)
PROBABILITIES = (0.3, 0.5, 0.7)

FAMILIES = (
    "threshold",
    "reprediction",
    "probable",
    "token_editing",
    "gidd",
    "wino",
    "p2",
    "remdm_cap",
    "remdm_rescale",
    "remdm_conf",
    "restart",
)
POLICIES = ("correcting", "composed", "policy", "halting_alone")


def confident(threshold):
    """Threshold decoding that never looks back."""
    return Composed(Confidence(), Threshold(threshold), NoRemasking())


def family(model, name):
    """[(setting, sampler)] of a family that needs no head; `probable` is re-prediction that stops where the answer is
    probable enough."""
    if name == "probable":
        return [
            (
                f"probable {commit}, stop {stop}",
                Sampler(
                    model,
                    pace=Threshold(commit),
                    remasking=LowProbability(0.3),
                    halting=AnswerProbability(stop),
                ),
            )
            for commit in (0.8, 0.9, 0.95)
            for stop in PROBABILITIES
        ]

    def ancestral(remasking):
        return lambda steps: Sampler(model, proposal=Draw(), order=Random(), pace=Ancestral(steps), remasking=remasking)

    made = {
        "threshold": lambda t: Sampler(model, pace=Threshold(t)),
        "reprediction": lambda t: Sampler(model, pace=Threshold(t), remasking=LowProbability(0.3)),
        "token_editing": lambda t: Sampler(model, plan=TokenEditing(confident(t), threshold=0.7)),
        "gidd": lambda t: Sampler(model, plan=SelfCorrection(confident(t), patience=2, cap=4)),
        "wino": lambda t: Sampler(ShadowVerified(model), plan=WideInNarrowOut(accept=t, keep=0.5, most=36)),
        "p2": lambda steps: Sampler(model, proposal=Draw(), plan=SelfPlanning(steps)),
        "remdm_cap": ancestral(Cap(0.2)),
        "remdm_rescale": ancestral(Rescale(0.2)),
        "remdm_conf": ancestral(ByConfidence()),
        "restart": lambda t: Restart(Sampler(model, proposal=Draw(), pace=Threshold(t)), tries=4, enough=0.5),
    }[name]
    clocked = name == "p2" or name.startswith("remdm")
    return [(f"{name} {value}", made(value)) for value in (STEPS if clocked else THRESHOLDS)]


def policies(model, name):
    """[(setting, sampler)] of a policy; `halting_alone` is the control: it stops by the same head, never looks back."""
    thresholds = (0.5,) if name == "policy" else (0.8, 0.9, 0.95)
    made = {
        "correcting": lambda t: {"plan": CommitReplaceRemask(t, doubt=0.3, replace=0.5)},
        "composed": lambda t: {"pace": Threshold(t), "remasking": LowProbability(0.3)},
        "policy": lambda t: {"plan": LearnedRevising(head=model.head("policy"), replace=t)},
        "halting_alone": lambda t: {"pace": Threshold(t)},
    }[name]
    return [
        (f"{name} {t}, stop {stop}", Sampler(model, halting=LearnedHalting(stop, model.head("halting")), **made(t)))
        for t in thresholds
        for stop in STOPS
    ]


def looking_through(model):
    """[(setting, sampler)] for finished answers: careful to commit, with the doubt as the setting."""
    return [
        (f"doubt {doubt}", Sampler(model, plan=CommitReplaceRemask(commit=0.95, doubt=doubt, replace=0.9)))
        for doubt in (0.1, 0.3, 0.5, 0.7)
    ]
