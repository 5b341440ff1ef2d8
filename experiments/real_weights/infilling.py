"""Every rule on AntiBERTy's infilling of heavy chains: recovery and pseudo-likelihood of the answers against forwards.

adaptive-diffusion run real_weights --folder runs/real_weights
python experiments/real_weights/infilling.py runs/real_weights

Rules with a plan of their own answer the test problems one after the other; what is finished is not sampled again.
Halting rules, learned or not, are applied to one recording of the careful sampler. Writes `infilling.json` in the run
folder.
"""

import argparse
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from likelihood import PseudoLikelihood

from adaptive_diffusion.config import instantiate, named_samplers
from adaptive_diffusion.core.trace import read_trace
from adaptive_diffusion.evaluation.answers import ScoredAnswers
from adaptive_diffusion.evaluation.curves import Curves
from adaptive_diffusion.evaluation.risk_control import learn_then_test, quality_lost
from adaptive_diffusion.evaluation.rivals import rivalry
from adaptive_diffusion.models.halting_head import TrajectoryHaltingHead
from adaptive_diffusion.runs.compare import TRACE, chief_difficulty, compare_all
from adaptive_diffusion.runs.counterfactual_rollouts import stopping_table
from adaptive_diffusion.runs.halting_rules import Fitted, trials, tried_answers
from adaptive_diffusion.runs.recorded_config import read_config
from adaptive_diffusion.runs.stages.halting_head import without_halting
from adaptive_diffusion.runs.trained_model import load_trained_model
from adaptive_diffusion.storage.atomic_write import atomic_write_file
from adaptive_diffusion.storage.checkpoint import load_checkpoint, read_header
from adaptive_diffusion.training.answers_by_step import AnswersByStep
from adaptive_diffusion.training.rollouts import Rollouts, record, scored

BASELINES = [
    "confidence",
    "fixed pace.steps=1,2,3,4,6,8,12,16",
    "threshold pace.threshold=0.3,0.5,0.6,0.7,0.8,0.9,0.95,0.98",
    "entropy_bound pace.gamma=0.3,1,2,4,8,16,32,64",
    "klass pace.steps=1,2,3,4,6,8,12,16",
]
QUALITY = ["prism plan.steps=2,4,8 plan.count=2"]
HEADS = ("solved", "cost_aware", "agreement")
RISKS = (0.02, 0.05, 0.1)
CONFIDENCE, SLOTS = 0.95, 32


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run", type=Path)
    parser.add_argument("--problems", type=int, help="of the test split; by default all")
    options = parser.parse_args()
    run = options.run
    torch.set_num_threads(1)
    config = read_config(run / "config.yaml")
    source = load_trained_model(run / "checkpoints" / "quality.safetensors")
    seed = config["seed"]
    problems = source.data.test.take(slice(options.problems))
    scorer = PseudoLikelihood(source.model)
    recorded = config["stages"]["rollouts"]
    sampler = instantiate(without_halting(recorded["sampler"]))(denoiser=source.model)
    tried = trials(recorded["tried"], ())
    steps, rules = AnswersByStep(), [one.rule for one in tried]
    difficulty = chief_difficulty(source.task, problems)
    test = record(sampler, scored(source.task, problems), difficulty, seed, SLOTS, 64, rules, [steps])
    validation = Rollouts.load(run / "rollouts" / "validation.safetensors")
    fitted = {name: {split: fit(run, name, of) for split, of in both(validation, test)} for name in HEADS}
    table = stopping_table(test)
    halted = {one.name: one for one in tried_answers(test, tried, table)}
    stops = {one.name: test.stopped(test.stops[:, number]) for number, one in enumerate(tried)}
    for name in HEADS:
        for setting, one in fitted[name]["test"].curve().items():
            halted[one.name] = one
            stops[one.name] = fitted[name]["test"].stops(setting)[0]
    queries = source.task.queries(problems)
    answers = steps.packed()
    likely = {name: scorer(queries, answers[test.first + stop - 1]) for name, stop in stops.items()}
    measured = run / "measured" / str(len(problems))
    listed = named_samplers([*BASELINES, *QUALITY])
    samplers = {one.name: instantiate(one.as_node()["sampler"])(denoiser=source.model) for one in listed}
    families = {one.name: one.as_node()["family"] for one in listed}
    for name, one in samplers.items():
        _, found = compare_all({name: one}, source.task, problems, say, seed, SLOTS, measured, None, families)
        written = read_trace(measured / name / TRACE).rows["answer"].to_numpy(zero_copy_only=False)
        halted[name], likely[name] = found[name], scorer(queries, torch.tensor(np.stack(written)))
    result = {
        "task": source.task.name,
        "seed": seed,
        "queries": len(problems),
        "residues_mean": float(queries.editable.sum(1).double().mean()),
        "recovery": compared(list(halted.values())),
        "pseudo_likelihood": compared([replace(halted[key], quality=likely[key]) for key in halted]),
        "of_the_chains_themselves": float(scorer(queries, problems.clean).mean()),
        "risk_control": [risk(fitted[key], delta) | {"head": key} for key in HEADS for delta in RISKS],
        "forwards_of_the_careful_sampler": float(table.at(test.steps.numpy())[1].mean()),
    }
    atomic_write_file(run / "infilling.json", json.dumps(result, indent=2) + "\n")


def both(validation: Rollouts, test: Rollouts):
    return ("validation", validation), ("test", test)


def fit(run: Path, name: str, rollouts: Rollouts) -> Fitted:
    """A head and what it predicts on recorded rollouts."""
    file = run / "checkpoints" / f"{name}.safetensors"
    objective = instantiate(read_header(file).about["objective"], (), ("objectives",))
    head = load_checkpoint(file).get_submodule(f"heads.{objective.rule().needs_head}")
    assert isinstance(head, TrajectoryHaltingHead)
    with torch.inference_mode():
        return Fitted(name, objective.rule(head), rollouts, head.predict(rollouts.observation))


def compared(answers: list[ScoredAnswers]) -> dict:
    """Curves, one position a forward against every other rule, and learned rules against those without learning."""
    curves = Curves([answers])
    found = rivalry(curves, [*HEADS, "prism"])
    assert found is not None
    return {
        "rivalry": found.to_json(),
        "against_one_a_forward": {
            one: curves.compare(one, "confidence").to_json() for one in curves.families if one != "confidence"
        },
        "curves": curves.to_json(),
    }


def risk(fitted: dict[str, Fitted], delta: float) -> dict:
    """The boldest setting that is certified on validation problems to lose at most this share of the recovery of the
    careful sampler, and what it loses and costs on test problems."""

    def losses(one: Fitted, setting: float) -> np.ndarray:
        return quality_lost(one.table.at(one.rollouts.steps.numpy())[0], one.at(setting).quality)

    policy, test = fitted["validation"], fitted["test"]
    certified = learn_then_test((losses(policy, setting) for setting in policy.rule.settings), delta, CONFIDENCE)
    promised = {"risk": delta, "confidence": CONFIDENCE, "queries": certified.queries}
    if not certified.settings:
        return {**promised, "setting": None, "seen": 0.0, "cost_share": 1.0}
    setting = policy.rule.settings[certified.settings - 1]
    share = test.spent(setting).mean() / test.table.at(test.rollouts.steps.numpy())[1].mean()
    return {**promised, "setting": setting, "seen": float(losses(test, setting).mean()), "cost_share": float(share)}


def say(line: str) -> None:
    print(line, flush=True)


if __name__ == "__main__":
    main()
