"""When to stop a search for a valid molecule: learned halting beside fixed steps and rules without learning, along
their curves, and the molecules that each leaves."""

import argparse
import json
import warnings
from pathlib import Path
from typing import Any

import torch
from measure import RESULTS, finite

from adaptive_diffusion.config import instantiate
from adaptive_diffusion.evaluation.answers import read_answers
from adaptive_diffusion.evaluation.curves import Curves
from adaptive_diffusion.evaluation.rivals import rivalry
from adaptive_diffusion.rules.learned_halting import CostAware
from adaptive_diffusion.runs.recorded_config import CONFIG, read_config
from adaptive_diffusion.runs.stage import checkpoint
from adaptive_diffusion.runs.stages.halting_head import without_halting
from adaptive_diffusion.runs.trained_model import load_trained_model
from adaptive_diffusion.storage.atomic_write import atomic_write_file
from adaptive_diffusion.storage.manifest import now, provenance
from adaptive_diffusion.tasks.molecules.measures import Reference, summary

POLICY = "cost_aware"
"""The head that learned what a further forward is worth, on "valid if stopped now"; chosen before the measuring."""
FIXED = "fixed"


def nearest(curves, family, quality):
    """The setting of a family whose quality is nearest to another one."""
    costs_first = curves.settings(family)
    return min(costs_first, key=lambda name: abs(curves.value[2 * curves.names.index(name) + 1] - quality))


def compared(curves, heads):
    """The best rule without learning, and each head against it and against fixed steps."""
    found = rivalry(curves, [POLICY])
    best = found.best_unlearned
    return best, {
        head: {"fixed": curves.compare(head, FIXED).to_json(), "best": curves.compare(head, best).to_json()}
        for head in heads
    }


def reached(run):
    """The share of valid answers of the policy at its setting, which was chosen on validation queries."""
    baseline = next(row["correct"] for row in run["baselines"] if row["sampler"] == run["baseline"])
    return baseline + run["quality_difference"]["value"]


def samplers(config, trained, settings):
    """The rules of a table from name to setting, each with the number of steps after which it is cut."""
    stage, baselines = config["stages"]["rollouts"], config["stages"]["measures"]["baselines"]
    search = instantiate(without_halting(stage["sampler"]))
    ours = search(denoiser=trained.model, halting=CostAware(price=settings[POLICY]))
    others = {
        name: (trained.build(baselines[one]["sampler"]), None) for name, one in settings.items() if name != POLICY
    }
    return {POLICY: (ours, stage["max_steps"]), **others}


@torch.inference_mode()
def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run", type=Path, help="a run of the experiment molecules_heads")
    parser.add_argument("--strings", type=int, default=2000, help="new molecules of each rule, for the FCD")
    parser.add_argument("--reference", type=int, default=5000)
    parser.add_argument("--seed", type=int, default=2)
    parser.add_argument("--out", type=Path, default=RESULTS)
    chosen = parser.parse_args(arguments)
    begun = now()
    run = json.loads((chosen.run / "summary.json").read_text())
    curves = Curves([read_answers(chosen.run / "answers.parquet")])
    best, comparisons = compared(curves, run["heads"])
    trained = load_trained_model(chosen.run / checkpoint(POLICY))
    data: Any = trained.data
    reference, training = Reference(data.strings["test"][: chosen.reference]), frozenset(data.strings["train"])
    config = read_config(chosen.run / CONFIG)
    drawn = config["stages"]["measures"]["baselines"]  # rules that were tried on rollouts have no sampler of their own
    rivals = {name: nearest(curves, name, reached(run)) for name in (FIXED, best)}
    settings = {POLICY: run["setting"], **{name: one for name, one in rivals.items() if one in drawn}}
    sets = {}
    for name, (sampler, most) in samplers(config, trained, settings).items():
        problems = data.new(chosen.strings, chosen.seed)
        result = sampler.sample(data.task.queries(problems), seed=chosen.seed, max_steps=most)
        strings = [data.task.smiles(row) for row in result.answers]
        sets[name] = {"setting": settings[name], "forwards": float(result.nfe.double().mean())}
        sets[name] |= finite(summary(strings, training, reference))
        print(
            f"{name}: {sets[name]['forwards']:.1f} forwards, {sets[name]['valid']:.1%} valid, FCD {sets[name]['fcd']}"
        )
    chief = comparisons[POLICY]
    result = {
        "policy": POLICY,
        "best_without_learning": best,
        "cost_ratio_to_fixed": chief["fixed"]["cost_ratio_at_equal_accuracy"],
        "cost_ratio_to_best": chief["best"]["cost_ratio_at_equal_accuracy"],
        "heads": comparisons,
        "sets": sets,
        "run_to_the_end": run["run_to_the_end"],
        "with_hindsight": run["oracle"],
        "curves": {family: points for family, points in curves.to_json().items() if family in curves.rules},
        "manifest": provenance(
            f"halting.py RUN --strings {chosen.strings} --reference {chosen.reference} --seed {chosen.seed}", begun
        ),
    }
    chosen.out.mkdir(parents=True, exist_ok=True)
    atomic_write_file(chosen.out / "halting.json", json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    warnings.simplefilter("ignore", UserWarning)
    main()
