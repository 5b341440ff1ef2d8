"""Why are strings invalid? Which error, which token, and in which forward it was committed; and what helps."""

import argparse
import json
import warnings
from collections import Counter
from pathlib import Path

import numpy as np
import torch
from measure import finite
from samplers import from_the_left

from adaptive_diffusion.evaluation.intervals import bootstrap, mean
from adaptive_diffusion.evaluation.replay import Replay
from adaptive_diffusion.rules.order import LeftToRight, LowEntropy, Random
from adaptive_diffusion.rules.pace import FixedCount, FixedSteps
from adaptive_diffusion.rules.proposal import Draw
from adaptive_diffusion.runs.stage import checkpoint
from adaptive_diffusion.runs.trained_model import load_trained_model
from adaptive_diffusion.sampling.sampler import Sampler
from adaptive_diffusion.storage.atomic_write import atomic_write_file
from adaptive_diffusion.storage.manifest import now, provenance
from adaptive_diffusion.tasks.molecules.chemistry import error_of, molecule, wrong_tokens
from adaptive_diffusion.tasks.molecules.problems import MoleculeProblems

RESULTS = Path(__file__).parent / "results"
REPAIRED = 100
"""Invalid strings whose every single change is tried."""


ENDS = "base", "a_forward_per_token", "order_of_entropy_a_forward_per_token", "from_the_left_a_forward_per_token"
"""Variants that are measured with an end token in the place of a given length too."""


def variants(model, steps):
    """What could help, one thing at a time, beside `steps` forwards in random order."""
    base = {"order": Random(), "pace": FixedSteps(steps)}
    parts = {
        "base": base,
        "one_more_forward": {**base, "pace": FixedSteps(steps + 1)},
        "a_forward_per_token": {**base, "pace": FixedCount()},
        "order_of_entropy": {**base, "order": LowEntropy()},
        "order_of_entropy_a_forward_per_token": {"order": LowEntropy(), "pace": FixedCount()},
        "from_the_left": {**base, "order": LeftToRight()},
        "from_the_left_a_forward_per_token": {"order": LeftToRight(), "pace": FixedCount()},
        "blocks_of_4": {**base, "pace": FixedSteps(4), "block_length": 4},
        "blocks_of_8": {**base, "pace": FixedSteps(8), "block_length": 8},
    }
    made = {name: Sampler(model, proposal=Draw(), **own) for name, own in parts.items()}
    return made | {f"temperature_{t}": Sampler(model, proposal=Draw(t), **base) for t in (0.5, 0.8)}


def committed_at(result):
    """[R, L] the step in which each position got its token, 0 where it was given."""
    replay = Replay.of(result.trace)
    steps = np.zeros(replay.answer.shape, np.int64)
    steps[replay.row, replay.position] = replay.step  # of a position the last event stays
    return steps


def diagnosed(sampler, data, count, seed):
    """The figures of a sampler, and its answers."""
    problems = data.new(count, seed)
    result = sampler.sample(data.task.queries(problems), seed=seed, trace=True)
    strings = [data.task.smiles(row) for row in result.answers]
    errors = [error_of(smiles) for smiles in strings]
    valid = np.array([error is None for error in errors])
    step = committed_at(result)
    found = [wrong_figures(smiles, step[row]) for row, smiles in enumerate(strings) if not valid[row]]
    wrong = [one for one in found if one is not None]
    every = [all_figures(step[row], len(strings[row])) for row in range(count)]
    atoms = data.task.grades(result.answers, problems)["atoms"].nanmean()
    figures = {
        "forwards": float(result.nfe.double().mean()),
        "valid": bootstrap(mean, valid.astype(float)).to_json(),
        "mean_atoms": float(atoms) if valid.any() else None,
        "errors": {name: number / count for name, number in sorted(Counter(filter(None, errors)).items())},
        "wrong_tokens": averaged(wrong),
        "all_tokens": averaged([one for one in every if one is not None]),
        "one_change_repairs": repairable(
            [smiles for smiles, good in zip(strings, valid, strict=True) if not good], data
        ),
    }
    return figures, result.answers, problems


def wrong_figures(smiles, step):
    """Where the wrong tokens of a string lie and when they were committed, as shares; None where that is not known."""
    places = wrong_tokens(smiles)
    return token_figures(step, places) if places else None


def all_figures(step, characters):
    """The same of all tokens of a string."""
    return token_figures(step, np.flatnonzero(step)) if characters and step.any() else None


def token_figures(step, places):
    """Of tokens at `places`: their place in the string, the step of their commit, how much was open before it, and how
    many tokens were committed in the same forward."""
    size, written = int((step > 0).sum()), step[step > 0]
    own = [step[place] for place in places if place < len(step) and step[place] > 0]
    if not own:
        return None
    return {
        "place": float(np.mean([place / max(1, size - 1) for place in places])),
        "step": float(np.mean([when / written.max() for when in own])),
        "open_before": float(np.mean([(written >= when).mean() for when in own])),
        "together": float(np.mean([(written == when).sum() for when in own])),
    }


def averaged(figures):
    """The mean of each figure; empty where there is nothing to average."""
    names = figures[0] if figures else {}
    return {name: float(np.mean([one[name] for one in figures])) for name in names}


def repairable(invalid, data):
    """The share of invalid strings of which one token can be replaced so that they are valid, over the first
    `REPAIRED`; None without an invalid string."""
    alphabet = data.task.tokenizer.alphabet
    tried = [data.task.tokenizer.cut(smiles) for smiles in invalid[:REPAIRED]]

    def repaired(cut):
        return any(
            molecule("".join([*cut[:place], other, *cut[place + 1 :]])) is not None
            for place in range(len(cut))
            for other in alphabet
        )

    return float(np.mean([repaired(cut) for cut in tried])) if tried else None


def written_again(model, data, answers, problems, steps, share, seed):
    """A share of the positions of every answer, drawn at random, is opened and written again in `steps` forwards: how
    many invalid strings become valid, and valid ones invalid."""
    random = torch.rand(answers.shape, generator=torch.Generator().manual_seed(seed))
    opened = problems.editable & (random < share)
    opened |= problems.editable & ~opened.any(1, keepdim=True)
    again = MoleculeProblems(answers, opened, problems.inside, problems.known, problems.kind)
    sampler = Sampler(model, proposal=Draw(), order=Random(), pace=FixedSteps(steps))
    result = sampler.sample(data.task.queries(again), seed=seed + 1)
    before, after = (data.task.correct(tokens, problems).numpy() for tokens in (answers, result.answers))
    return {
        "forwards": float(result.nfe.double().mean()),
        "valid": float(after.mean()),
        "invalid_became_valid": float(after[~before].mean()) if (~before).any() else None,
        "valid_became_invalid": float((~after[before]).mean()) if before.any() else None,
    }


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run", type=Path, help="a run of the experiment molecules_qm9 or molecules_moses")
    parser.add_argument(
        "--ends", type=Path, help="a run with task.framing of EndToken, to see what a given length gives"
    )
    parser.add_argument("--strings", type=int, default=1000)
    parser.add_argument("--steps", type=int, default=8)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=RESULTS)
    chosen = parser.parse_args(arguments)
    begun = now()
    masked = load_trained_model(chosen.run / checkpoint("masked"))
    samplers = [(name, sampler, masked.data) for name, sampler in variants(masked.model, chosen.steps).items()]
    if (chosen.run / checkpoint("twin")).is_file():
        twin = load_trained_model(chosen.run / checkpoint("twin"))
        samplers.append(("twin", from_the_left(twin.model), twin.data))
    if chosen.ends is not None:
        other = load_trained_model(chosen.ends / checkpoint("masked"))
        made = variants(other.model, chosen.steps)
        samplers += [(f"end_token_{name}", made[name], other.data) for name in ENDS]
    rows, again = {}, {}
    for name, sampler, data in samplers:
        rows[name], answers, problems = diagnosed(sampler, data, chosen.strings, chosen.seed)
        print(f"{name}: {rows[name]['forwards']:.1f} forwards, {rows[name]['valid']['value']:.1%} valid", flush=True)
        if name == "base":
            again = {
                f"share_{share}_steps_{steps}": finite(
                    written_again(masked.model, data, answers, problems, steps, share, chosen.seed)
                )
                for share in (0.2, 0.5)
                for steps in (1, 4)
            }
    command = "diagnose.py RUN" + (" --ends RUN" if chosen.ends else "")
    command += f" --strings {chosen.strings} --steps {chosen.steps} --seed {chosen.seed}"
    result = {"variants": rows, "written_again": again, "manifest": provenance(command, begun)}
    chosen.out.mkdir(parents=True, exist_ok=True)
    atomic_write_file(chosen.out / "diagnosis.json", json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    warnings.simplefilter("ignore", UserWarning)
    main()
