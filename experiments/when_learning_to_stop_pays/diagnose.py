"""What the cost-aware head needs: the same recorded rollouts, other inputs, starts and amounts of training data, and a
head that sees whether the answer is right.

python experiments/when_learning_to_stop_pays/diagnose.py runs/when_learning_to_stop_pays,maze,1 # and further runs
"""

import argparse
import json
import warnings
from dataclasses import replace
from functools import partial
from pathlib import Path

import torch
from torch.optim import AdamW
from torch.optim.lr_scheduler import CosineAnnealingLR

from adaptive_diffusion.core.step_summaries import SUMMARIES
from adaptive_diffusion.evaluation.curves import Curves
from adaptive_diffusion.models.halting_head import TrajectoryHaltingHead
from adaptive_diffusion.objectives.halting_losses import ExpectedReturn
from adaptive_diffusion.runs.halting_rules import Fitted
from adaptive_diffusion.storage.atomic_write import atomic_write_file
from adaptive_diffusion.training.halting_head_module import HaltingHeadModule, RolloutBatches, fit
from adaptive_diffusion.training.rollouts import Rollouts

RESULTS = Path(__file__).parent / "results"
EVERY = ("summaries", "change", "hidden")
STANDARD = "as in the experiment"
VARIANTS = {
    STANDARD: {},
    "without what changed since the last step": {"inputs": ("summaries", "hidden")},
    "without hidden states": {"inputs": ("summaries", "change")},
    "begins at a bias of 0": {"init_bias": 0.0},
    "prices that warm up": {"objective": ExpectedReturn(warm_up=0.3)},
    "a learning rate of .002, weight decay of .01": {"lr": 2e-3, "weight_decay": 0.01},
    "half of the rollouts": {"share": 0.5},
    "a third of the rollouts": {"share": 1 / 3},
    "a quarter of the rollouts": {"share": 0.25},
    "sees whether its answer is right": {"truth": True},
}


def seeing_the_truth(rollouts):
    """Rollouts whose observation holds the score of the answer, as one more hidden state."""
    summaries = 3 * SUMMARIES + 1
    first, hidden = rollouts.observation.split([summaries, rollouts.observation.shape[1] - summaries], 1)
    parts = [torch.cat([part, rollouts.score[:, None].to(part)], 1) for part in hidden.chunk(3, 1)]
    return replace(rollouts, observation=torch.cat([first, *parts], 1))


def some(rollouts, share):
    """The first of the rollouts."""
    rows = round(share * len(rollouts))
    steps = int(rollouts.steps[:rows].sum())
    by_row, by_step = ("query", "steps", "difficulty"), ("observation", "score", "changed", "cost", "stops")
    parts = {name: getattr(rollouts, name)[:rows] for name in by_row}
    return Rollouts(**parts, **{name: getattr(rollouts, name)[:steps] for name in by_step})


def fitted(name, train, test, steps, inputs=EVERY, objective=None, share=1.0, truth=False, init_bias=-3.0, **optimizer):
    """The rule of a head that was fitted so, on test rollouts."""
    torch.manual_seed(0)
    objective = objective or ExpectedReturn()
    if truth:
        train, test = seeing_the_truth(train), seeing_the_truth(test)
    width = (test.observation.shape[1] - 1 - 3 * SUMMARIES) // 3
    head = TrajectoryHaltingHead(width, objective.outputs, inputs, init_bias=init_bias)
    head.fit_scale(train.observation)
    adamw = partial(AdamW, **{"lr": 1e-2, "weight_decay": 1.0, **optimizer})
    module = HaltingHeadModule(head, objective, steps, adamw, partial(CosineAnnealingLR, T_max=steps))
    head = fit(module, RolloutBatches(some(train, share), rows=128))
    with torch.inference_mode():
        head_output = torch.cat([head.predict(part) for part in test.observation.split(4096)])
    return Fitted(name, objective.rule(head), test, head_output)


def diagnosed(run, steps, names):
    """The figures of some variants on the rollouts of a run, and what they were fitted to."""
    train, test = (Rollouts.load(run / "rollouts" / f"{split}.safetensors") for split in ("train", "test"))
    made = [fitted(name, train, test, steps, **VARIANTS[name]) for name in names]
    curves = Curves([[answer for one in made for answer in one.curve().values()]])
    rows = {}
    for name in curves.families:
        cost, quality = curves.points(name)
        best = {"correct": float(quality.max()), "nfe_mean": float(cost[quality.argmax()])}
        against = {} if name == STANDARD else curves.compare(name, STANDARD).to_json()
        rows[name] = {**best, **against, "curve": [cost.tolist(), quality.tolist()]}
        gain = against.get("accuracy_gain_at_equal_cost", {"value": 0.0})["value"]
        print(
            f"{run.name}, {name}: at most {best['correct']:.1%} at {best['nfe_mean']:.1f} NFE, {100 * gain:+.1f} "
            "points at equal cost",
            flush=True,
        )
    return {"rollouts": len(train), "queries": len(test), "variants": rows}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs", type=Path, nargs="+", help="finished runs of when_learning_to_stop_pays")
    parser.add_argument("--steps", type=int, default=800)
    parser.add_argument("--only", nargs="+", choices=VARIANTS, metavar="VARIANT", default=[], help="all by default")
    parser.add_argument("--out", type=Path, default=RESULTS)
    chosen = parser.parse_args()
    file = chosen.out / "diagnosis.json"
    found = json.loads(file.read_text()) if file.is_file() else {}
    for run in chosen.runs:
        names = [name for name in VARIANTS if name == STANDARD or not chosen.only or name in chosen.only]
        found[run.name] = diagnosed(run, chosen.steps, names)
        atomic_write_file(file, json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    main()
