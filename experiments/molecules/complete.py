"""Learned halting where a string may be returned only once it was complete.

A search that is stopped before that is filled in with the most probable tokens, and a head that learned validity alone
finds out that chains of carbon are always valid (`halting.py`). Here the same rollouts are used, an incomplete string
counts as invalid in training, and no rule stops at one.
"""

import argparse
import json
import warnings
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from halting import FIXED, POLICY
from measure import RESULTS, finite

from adaptive_diffusion.config import instantiate
from adaptive_diffusion.core.rule import HaltDecision
from adaptive_diffusion.core.step_summaries import SummarisedHalting
from adaptive_diffusion.evaluation.answers import ScoredAnswers, read_answers
from adaptive_diffusion.evaluation.curves import Curves
from adaptive_diffusion.models.halting_head import TrajectoryHaltingHead
from adaptive_diffusion.objectives.halting_losses import ExpectedReturn, SolvedAtEachStep
from adaptive_diffusion.rules.learned_halting import HeadHalting
from adaptive_diffusion.runs.counterfactual_rollouts import stopping_table
from adaptive_diffusion.runs.halting_rules import STRIDE, trials
from adaptive_diffusion.runs.recorded_config import CONFIG, read_config
from adaptive_diffusion.runs.stage import checkpoint
from adaptive_diffusion.runs.stages.halting_head import rollout_name, without_halting
from adaptive_diffusion.runs.trained_model import load_trained_model
from adaptive_diffusion.storage.atomic_write import atomic_write_file
from adaptive_diffusion.storage.manifest import now, provenance
from adaptive_diffusion.tasks.molecules.measures import Reference, summary
from adaptive_diffusion.training.halting_head_module import HaltingHeadModule, RolloutBatches, fit
from adaptive_diffusion.training.rollouts import Rollouts

OBJECTIVES = {"solved": SolvedAtEachStep(), POLICY: ExpectedReturn(lowest=0.001, highest=1.0)}
ROWS = 128
"""Trajectories of a step of training."""
DRAWN = FIXED, "p2", "entropy_bound"
"""Rules with a plan of their own, which draw every token."""


@dataclass(frozen=True)
class WhenComplete(SummarisedHalting):
    """Another rule's stop, where every position is committed before or after the step."""

    inner: HeadHalting
    reason = "learned"

    def __call__(self, state, prediction, decision):
        found = self.inner(state, prediction, decision)
        filled = ~decision.still_open(state).any(1) | ~state.open.any(1)
        return HaltDecision(found.stop & filled, found.probability)


def fitted(name, rollouts, width, config):
    """A head for an objective on rollouts in which incomplete strings are invalid, and its rule."""
    torch.manual_seed(0)
    objective, stage = OBJECTIVES[name], config["stages"][name]
    head = TrajectoryHaltingHead(width, objective.outputs, **stage["head"])
    head.fit_scale(rollouts.observation)
    parts = {part: instantiate(stage[part]) for part in ("optimizer", "scheduler")}
    head = fit(HaltingHeadModule(head, objective, stage["steps"], **parts), RolloutBatches(rollouts, ROWS))
    return objective.rule(head)


def stopped(name, family, rollouts, stop):
    """The answers of a rule that stops at these steps [S], where the string is complete."""
    quality, cost = stopping_table(rollouts).at(rollouts.stopped(stop & rollouts.complete).numpy())
    return ScoredAnswers(name, family, rollouts.query.numpy(), cost, quality)


def learned(name, rule, rollouts):
    """By setting, from careful to bold."""
    with torch.inference_mode():
        output = torch.cat([rule.head.predict(part) for part in rollouts.observation.split(4096)])
    return {
        setting: stopped(f"{name} {setting:.4g}", name, rollouts, rule.with_threshold(setting).decide(output).stop)
        for setting in rule.settings[::STRIDE]
    }


def chosen_settings(found, goal):
    """Of settings on validation queries: the cheapest that reaches a share of valid answers, and the most valid one."""
    reaching = {setting: one for setting, one in found.items() if one.quality.mean() >= goal} or found
    cheapest = min(reaching, key=lambda setting: reaching[setting].nfe.mean())
    return {"cheap": cheapest, "valid": max(found, key=lambda setting: found[setting].quality.mean())}


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run", type=Path, help="a run of the experiment molecules_heads")
    parser.add_argument("--strings", type=int, default=1000, help="new molecules of each rule, for the FCD")
    parser.add_argument("--reference", type=int, default=3000)
    parser.add_argument("--seed", type=int, default=2)
    parser.add_argument("--out", type=Path, default=RESULTS)
    chosen = parser.parse_args(arguments)
    begun, config = now(), read_config(chosen.run / CONFIG)
    splits = {split: Rollouts.load(chosen.run / rollout_name(split)) for split in ("train", "validation", "test")}
    trained = load_trained_model(chosen.run / checkpoint(POLICY))
    data: Any = trained.data
    train = replace(splits["train"], score=splits["train"].score * splits["train"].complete)
    rules = {name: fitted(name, train, trained.model.width, config) for name in OBJECTIVES}
    curve = {
        split: {name: learned(name, rules[name], splits[split]) for name in rules} for split in ("validation", "test")
    }
    drawn = [one for one in read_answers(chosen.run / "answers.parquet") if one.family in DRAWN]
    tried = trials(config["stages"]["rollouts"]["tried"], ())
    test = splits["test"]
    others = [stopped(one.name, one.family, test, test.stops[:, number]) for number, one in enumerate(tried)]
    curves = Curves([[*(one for own in curve["test"].values() for one in own.values()), *drawn, *others]])
    goal = max(one.quality.mean() for one in drawn)
    reference, training = Reference(data.strings["test"][: chosen.reference]), frozenset(data.strings["train"])
    stage = config["stages"]["rollouts"]
    search, sets = instantiate(without_halting(stage["sampler"])), {}
    with torch.inference_mode():
        for name, rule in rules.items():
            for which, setting in chosen_settings(curve["validation"][name], goal).items():
                sampler = search(denoiser=trained.model, halting=WhenComplete(rule.with_threshold(setting)))
                queries = data.task.queries(data.new(chosen.strings, chosen.seed))
                result = sampler.sample(queries, seed=chosen.seed, max_steps=stage["max_steps"])
                strings = [data.task.smiles(row) for row in result.answers]
                row = {"setting": setting, "forwards": float(result.nfe.double().mean())}
                sets[f"{name}, {which}"] = row | finite(summary(strings, training, reference))
                print(
                    name, which, {key: sets[f"{name}, {which}"][key] for key in ("forwards", "valid", "unique", "fcd")}
                )
    compared = {name: {other: curves.compare(name, other).to_json() for other in DRAWN} for name in rules}
    best = max(DRAWN, key=lambda other: compared[POLICY][other]["cost_ratio_at_equal_accuracy"]["value"])
    result = {
        "policy": POLICY,
        "best_without_learning": best,
        "cost_ratio_to_fixed": compared[POLICY][FIXED]["cost_ratio_at_equal_accuracy"],
        "cost_ratio_to_best": compared[POLICY][best]["cost_ratio_at_equal_accuracy"],
        "heads": compared,
        "sets": sets,
        "curves": {family: points for family, points in curves.to_json().items() if family in curves.rules},
        "manifest": provenance(
            f"complete.py RUN --strings {chosen.strings} --reference {chosen.reference} --seed {chosen.seed}", begun
        ),
    }
    atomic_write_file(chosen.out / "complete.json", json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    main()
