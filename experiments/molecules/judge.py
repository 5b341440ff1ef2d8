"""Self-correction by a head that predicts whether a complete molecule is valid: what it doubts is begun anew.

The threshold is chosen on strings of its own: the most valid one whose FCD is larger than that of one drawing by no
more than a margin, the one that rivals have too. Other strings measure which share of a rival's invalid strings is
valid at equal forwards, and the FCD. The rivals learn nothing: some of `correct.py`, KLASS, strings that are begun anew
while they are improbable as they were written, and a search for a probable string. What commits or looks for probable
tokens is valid more often and less like the molecules of the test set, so the FCD stands beside.
"""

import argparse
import json
import warnings
from pathlib import Path
from typing import Any, cast

import torch
from correct import STEPS, affordable, errors_removed, families, sampled
from measure import RESULTS, finite

from adaptive_diffusion.evaluation.curves import Curves
from adaptive_diffusion.rules.adaptive import EntropyBound
from adaptive_diffusion.rules.halting import AnswerProbability
from adaptive_diffusion.rules.klass import KLStability, StableOrQuota
from adaptive_diffusion.rules.order import LowEntropy
from adaptive_diffusion.rules.pace import Threshold
from adaptive_diffusion.rules.proposal import Draw
from adaptive_diffusion.rules.remasking import BeginAnewIfDoubted, LowProbability
from adaptive_diffusion.rules.revision_limits import RevisionLimits
from adaptive_diffusion.runs.trained_model import load_trained_model
from adaptive_diffusion.sampling.restart import Restart
from adaptive_diffusion.sampling.sampler import Sampler
from adaptive_diffusion.storage.atomic_write import atomic_write_file
from adaptive_diffusion.storage.manifest import now, provenance
from adaptive_diffusion.tasks.molecules.measures import Reference, summary

JUDGED = "judged"
ONCE = "one drawing"
THRESHOLDS = 0.1, 0.3, 0.5, 0.7, 0.8, 0.9
PROBABLE = 1e-7, 1e-6, 1e-5
LIKELY = 0.01, 0.1, 0.5
KNOWN = "random", "entropy_bound", "p2", "search"
ANEW = 3
"""How often a string is begun anew at most."""
FCD = 0.1
"""By so much the FCD may be larger, that of the head than that of one drawing and a rival's than the head's: what only
writes probable strings is no rival, however valid it is."""
BUDGET = 24
"""Forwards that a setting may take in the mean: as many as the longest string has tokens."""


def drawing(model, temperature=1.0, **parts):
    """Strings that are drawn in the order of entropy."""
    return Sampler(model, proposal=Draw(temperature), order=LowEntropy(), pace=EntropyBound(0.1), **parts)


def judged(model, thresholds, temperature=1.0):
    """By name, strings that are begun anew while the head doubts them."""
    limits = RevisionLimits(each=ANEW, total=4096, memory=1)
    rules = {f"{JUDGED} {at:g}": BeginAnewIfDoubted(at) for at in thresholds}
    return {name: drawing(model, temperature, remasking=rule, limits=limits) for name, rule in rules.items()}


def rivals(model):
    """By family and setting, rules without a head."""
    again = {f"restart {enough:g}": Restart(drawing(model), 1 + ANEW, enough) for enough in PROBABLE}
    stable = {
        f"klass {steps}": Sampler(model, proposal=Draw(), order=KLStability(), pace=StableOrQuota(steps=steps))
        for steps in STEPS
    }
    probable = {
        f"answer_probability {threshold:g}": Sampler(
            model,
            proposal=Draw(),
            pace=Threshold(0.5),
            remasking=LowProbability(),
            halting=AnswerProbability(threshold),
            limits=RevisionLimits(each=2, total=256),
        )
        for threshold in LIKELY
    }
    known = {name: found for name, found in families(model).items() if name in KNOWN}
    return {**known, "klass": stable, "restart": again, "answer_probability": probable}


def chosen_threshold(sets, margin):
    """That of the most valid setting within the budget whose FCD is larger than that of one drawing by no more than the
    margin; the smallest one where there is none."""
    found, bound = {at: sets[f"{JUDGED} {at:g}"] for at in THRESHOLDS}, (sets[ONCE]["fcd"] or 0) + margin
    within = [at for at, own in found.items() if own["forwards"] <= BUDGET and (own["fcd"] or 0) <= bound]
    return max(within, key=lambda at: found[at]["valid"], default=THRESHOLDS[0])


@torch.inference_mode()
def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run", type=Path, help="a run of the experiment molecules_judged")
    parser.add_argument("--strings", type=int, default=2000, help="that measure; as many choose the threshold")
    parser.add_argument("--reference", type=int, default=10_000, help="test molecules of the FCD")
    parser.add_argument("--seed", type=int, default=3)
    parser.add_argument("--margin", type=float, default=FCD, help="of the FCD, when the threshold is chosen")
    parser.add_argument("--out", type=Path, default=RESULTS)
    chosen = parser.parse_args(arguments)
    begun = now()
    trained = load_trained_model(chosen.run)
    model, data = trained.model, cast(Any, trained.data)
    chosen.out.mkdir(parents=True, exist_ok=True)
    command = f"judge.py RUN --strings {chosen.strings} --reference {chosen.reference} --seed {chosen.seed}"
    command += f" --margin {chosen.margin:g}"
    measures = Reference(data.strings["test"][: chosen.reference]), frozenset(data.strings["train"])
    choices = {JUDGED: judged(model, THRESHOLDS), ONCE: {ONCE: drawing(model)}}
    scored, strings = sampled(choices, data, chosen.strings, chosen.seed + 1)
    tried = sets_of(scored, strings, measures, set(strings))
    compared = {JUDGED: judged(model, (chosen_threshold(tried, chosen.margin),))} | rivals(model)
    scored, strings = sampled(compared, data, chosen.strings, chosen.seed)
    curves = Curves([scored])
    (name,) = compared[JUDGED]
    against = {family: errors_removed(curves, name, family).to_json() for family in curves.families if family != JUDGED}
    settings = {family: affordable(curves, family, name) for family in against}
    sets = sets_of(scored, strings, measures, {name, *settings.values()})
    rival = strongest(against, settings, sets, name)
    result = {
        "setting": name,
        "rival": rival,
        "rival_setting": settings[rival],
        "errors_removed": against[rival],
        "against": against,
        "sets": sets,
        "chosen_among": {
            name: {figure: own[figure] for figure in ("forwards", "valid", "fcd")} for name, own in tried.items()
        },
        "curves": curves.to_json(),
        "manifest": provenance(command, begun),
    }
    atomic_write_file(chosen.out / "judged.json", json.dumps(result, indent=1) + "\n")


def strongest(against, settings, sets, name):
    """The rule of whose invalid strings the smallest share is removed, among those whose FCD is no worse by more than
    `FCD`."""
    bound = (sets[name]["fcd"] or float("inf")) + FCD
    close = [family for family, setting in settings.items() if (sets[setting]["fcd"] or 0) <= bound]
    return min(close or settings, key=lambda family: against[family]["value"])


def sets_of(scored, strings, measures, names):
    """Measures of the strings of some settings, by test molecules and training strings."""
    reference, training = measures
    forwards = {one.name: float(one.nfe.mean()) for one in scored}
    return {
        name: {"forwards": forwards[name], **finite(summary(strings[name], training, reference))}
        for name in sorted(names)
    }


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    main()
