"""Self-correction of new molecules: a quality head and remasking beside rules without a head, at equal forwards."""

import argparse
import json
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import torch
from measure import RESULTS, finite

from adaptive_diffusion.evaluation.answers import ScoredAnswers
from adaptive_diffusion.evaluation.curves import Curves, quality_at
from adaptive_diffusion.evaluation.resampling import interval_of
from adaptive_diffusion.rules.adaptive import EntropyBound
from adaptive_diffusion.rules.order import LowEntropy, Random
from adaptive_diffusion.rules.pace import Ancestral, FixedSteps
from adaptive_diffusion.rules.plans.prism import LowestQuality
from adaptive_diffusion.rules.plans.ranking import SelfPlanning
from adaptive_diffusion.rules.proposal import Draw
from adaptive_diffusion.rules.remasking import LeastConfidentSpan, LowQuality
from adaptive_diffusion.rules.remdm import ByConfidence
from adaptive_diffusion.rules.revision_limits import RevisionLimits
from adaptive_diffusion.runs.trained_model import load_trained_model
from adaptive_diffusion.sampling.sampler import Sampler
from adaptive_diffusion.storage.atomic_write import atomic_write_file
from adaptive_diffusion.storage.manifest import now, provenance
from adaptive_diffusion.tasks.molecules.measures import Reference, summary

STEPS = 4, 8, 16, 24
BOUNDS = 0.1, 1.0, 4.0
LEARNED = "prism_1", "prism_2", "low_quality_0.1", "low_quality_0.3"


def families(model):
    """By family and setting. All draw at temperature 1. `search` and `low_quality` go on after the string is complete:
    one remasks the least probable commit and its neighbours, the other what the head finds doubtful."""

    def adaptive(remasking, rounds):
        parts: dict[str, Any] = {"order": LowEntropy(), "remasking": remasking}
        limits = RevisionLimits(each=rounds, total=4096, memory=1)
        return lambda gamma: {**parts, "pace": EntropyBound(gamma), "limits": limits}

    made = {
        "random": (STEPS, lambda steps: {"order": Random(), "pace": FixedSteps(steps)}),
        "entropy_bound": (BOUNDS, lambda gamma: {"order": LowEntropy(), "pace": EntropyBound(gamma)}),
        "p2": (STEPS, lambda steps: {"plan": SelfPlanning(steps=steps)}),
        "remdm_conf": (
            STEPS,
            lambda steps: {"order": Random(), "pace": Ancestral(steps), "remasking": ByConfidence()},
        ),
        "search": (BOUNDS, adaptive(LeastConfidentSpan(threshold=1.0, radius=1), 1)),
        "prism_1": (STEPS, lambda steps: {"plan": LowestQuality(steps=steps, count=1)}),
        "prism_2": (STEPS, lambda steps: {"plan": LowestQuality(steps=steps, count=2)}),
        "low_quality_0.1": (BOUNDS, adaptive(LowQuality(0.1), 4)),
        "low_quality_0.3": (BOUNDS, adaptive(LowQuality(0.3), 4)),
    }
    return {
        family: {f"{family} {one:g}": Sampler(model, proposal=Draw(), **build(one)) for one in settings}
        for family, (settings, build) in made.items()
    }


def sampled(found, data, count, seed):
    """The answers of every setting of some families, by name, as strings and as figures of each query."""
    problems = data.new(count, seed)
    queries, strings, scored = data.task.queries(problems), {}, []
    for family, settings in found.items():
        for name, sampler in settings.items():
            result = sampler.sample(queries, seed=seed)
            valid = data.task.correct(result.answers, problems).double().numpy()
            strings[name] = [data.task.smiles(row) for row in result.answers]
            scored.append(ScoredAnswers(name, family, result.query.numpy(), result.nfe.double().numpy(), valid))
            print(f"{name}: {scored[-1].nfe.mean():.1f} forwards, {valid.mean():.1%} valid", flush=True)
    return scored, strings


def part(answers, rows):
    """The answers to some queries."""
    return [ScoredAnswers(a.name, a.family, a.query[rows], a.nfe[rows], a.quality[rows]) for a in answers]


def errors_removed(curves, name, family):
    """1 − invalid share of a setting / that of a rule at the same forwards, with its interval over queries."""
    own, other = curves.names.index(name), curves.members[family]

    def statistic(means):
        cost, quality = means[:, 2 * other], means[:, 2 * other + 1]
        budget = np.maximum(means[:, 2 * own], cost.min(1))
        left = 1 - quality_at(cost, quality, budget[:, None])[:, 0]
        return 1 - (1 - means[:, 2 * own + 1]) / np.maximum(left, 1e-12)

    return interval_of(statistic, curves.value, curves.draws)


def choose(curves):
    """The learned setting that removes the largest share of errors against the best rule without a head at its cost,
    and that rule."""
    rivals = [family for family in curves.families if family not in LEARNED]
    found = []
    for family in LEARNED:
        for name in curves.settings(family):
            removed = {other: errors_removed(curves, name, other).value for other in rivals}
            strongest = min(removed, key=lambda other: removed[other])
            found.append((removed[strongest], name, strongest))
    return max(found)[1:]


def affordable(curves, family, name):
    """The most accurate setting of a rule that costs no more than another one's; its cheapest where there is none."""
    value = curves.value.reshape(-1, 2)
    own = value[curves.names.index(name), 0]
    numbers = [number for number in curves.members[family] if value[number, 0] <= own]
    return curves.names[max(numbers, key=lambda n: value[n, 1]) if numbers else curves.members[family][0]]


@torch.inference_mode()
def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run", type=Path, help="a run of the experiment molecules_heads, or a checkpoint with heads")
    parser.add_argument("--strings", type=int, default=2000, help="half of them choose the setting and its rival")
    parser.add_argument("--reference", type=int, default=5000, help="test molecules of the FCD")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=Path, default=RESULTS)
    chosen = parser.parse_args(arguments)
    begun = now()
    trained = load_trained_model(chosen.run)
    data: Any = trained.data
    scored, strings = sampled(families(trained.model), data, chosen.strings, chosen.seed)
    half = chosen.strings // 2
    setting, rival = choose(Curves([part(scored, slice(None, half))]))
    curves = Curves([part(scored, slice(half, None))])
    cheap = affordable(curves, rival, setting)
    reference, training = Reference(data.strings["test"][: chosen.reference]), frozenset(data.strings["train"])
    figures = {name: finite(summary(strings[name], training, reference)) for name in (setting, cheap)}
    ends = {
        name: {"forwards": float(one.nfe.mean()), **figures[name]} for one in scored if (name := one.name) in figures
    }
    command = f"correct.py RUN --strings {chosen.strings} --reference {chosen.reference} --seed {chosen.seed}"
    result = {
        "setting": setting,
        "rival": rival,
        "rival_setting": cheap,
        "errors_removed": errors_removed(curves, setting, rival).to_json(),
        "against": {
            family: errors_removed(curves, setting, family).to_json()
            for family in curves.families
            if family not in LEARNED
        },
        "sets": ends,
        "curves": curves.to_json(),
        "manifest": provenance(command, begun),
    }
    chosen.out.mkdir(parents=True, exist_ok=True)
    atomic_write_file(chosen.out / "correction.json", json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    warnings.simplefilter("ignore", UserWarning)
    main()
