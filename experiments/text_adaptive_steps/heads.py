"""Halting heads that need no verifier, on a finished run of the experiment text_python: will the answer still change?

Both are fitted to what one byte a forward would answer after each step, on infilling problems of training documents.
Writes the model with both heads, RUN/checkpoints/heads.safetensors.
"""

import argparse
from functools import partial
from pathlib import Path

import torch
from rules import HEADS, MOST, careful

from adaptive_diffusion.models.halting_head import TrajectoryHaltingHead
from adaptive_diffusion.objectives.halting_losses import ExpectedReturn, SolvedAtEachStep
from adaptive_diffusion.objectives.trajectories import Agreement
from adaptive_diffusion.runs.stage import checkpoint
from adaptive_diffusion.runs.trained_model import load_trained_model
from adaptive_diffusion.storage.checkpoint import read_header, save_checkpoint
from adaptive_diffusion.tasks.text.infilling import infilling
from adaptive_diffusion.training.halting_head_module import HaltingHeadModule, RolloutBatches, fit
from adaptive_diffusion.training.progress import progress
from adaptive_diffusion.training.rollouts import record, scored

OBJECTIVES = {
    "agreement": SolvedAtEachStep(Agreement()),
    "agreement_cost_aware": ExpectedReturn(lowest=0.001, highest=1.0, target=Agreement()),
}
OPTIMIZER = partial(torch.optim.AdamW, lr=1e-2, weight_decay=1.0)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run", type=Path)
    parser.add_argument("--problems", type=int, default=800)
    parser.add_argument("--steps", type=int, default=600, help="optimiser steps of each head")
    parser.add_argument("--seed", type=int, default=0)
    chosen = parser.parse_args()
    file = chosen.run / checkpoint("masked")
    source = load_trained_model(file)
    data, task = source.data, source.task
    documents = data.collection.splits["train"]
    problems = infilling(documents, data.problems, task.tokenizer, task.length, chosen.problems, chosen.seed)
    rollouts = record(careful(source.model), scored(task, problems), seed=chosen.seed, slots=32, max_steps=MOST)
    print(f"{len(rollouts)} problems, {rollouts.steps.double().mean():.1f} forwards each", flush=True)
    header, nodes = read_header(file), {}
    for name, objective in OBJECTIVES.items():
        torch.manual_seed(chosen.seed)
        shape = {"width": source.model.width, "outputs": objective.outputs, "inputs": ["summaries", "change", "hidden"]}
        head = TrajectoryHaltingHead(**shape)
        head.fit_scale(rollouts.observation)
        module = HaltingHeadModule(head, objective, chosen.steps, OPTIMIZER)
        place = objective.rule().needs_head
        source.model.heads[place] = fit(module, RolloutBatches(rollouts, 128), **progress(name, chosen.steps))
        nodes[place] = {"_target_": "adaptive_diffusion.models.halting_head.TrajectoryHaltingHead", **shape}
    config = {**header.config, "heads": {**header.config.get("heads", {}), **nodes}}
    save_checkpoint(chosen.run / HEADS, source.model, config, {**header.about, "stage": "heads"})


if __name__ == "__main__":
    main()
