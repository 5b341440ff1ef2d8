"""Parts of test molecules written anew: masked samplers beside the twin, which reads what is given first. Open are a
span, all but the scaffold, or what joins two fragments."""

import argparse
import json
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import torch
from measure import GOAL, RESULTS
from samplers import masked_samplers, twins

from adaptive_diffusion.evaluation.intervals import bootstrap, mean
from adaptive_diffusion.runs.stage import checkpoint
from adaptive_diffusion.runs.trained_model import load_trained_model
from adaptive_diffusion.storage.atomic_write import atomic_write_file
from adaptive_diffusion.storage.manifest import now, provenance
from adaptive_diffusion.tasks.molecules.fragments import holds, kept_parts
from adaptive_diffusion.tasks.molecules.openings import Scaffold, TwoFragments

KEEPING = {opening.kind: opening for opening in (Scaffold(), TwoFragments())}
"""Openings that the run's own held-out problems do not have."""


def infilled(sampler, data, problems, variations, seed):
    """Validity and exact answers of every variation, how many hold every part that was given with its bonds, and how
    many of those that do differ."""
    result = sampler.sample(data.task.queries(problems), n=variations, seed=seed)
    repeated = problems.take(torch.arange(len(problems)).repeat_interleave(variations))
    grades = data.task.grades(result.answers, repeated)
    valid = grades["valid"].reshape(-1, variations).numpy()
    strings = np.array([data.task.smiles(row) for row in result.answers], object).reshape(valid.shape)
    given = [
        parts_given(data.task, tokens, editable)
        for tokens, editable in zip(problems.tokens, problems.editable, strict=True)
    ]
    held = np.array([[holds(answer, *own) for answer in row] for row, own in zip(strings, given, strict=True)]) * valid
    different = [len(set(row[good == 1])) / variations for row, good in zip(strings, valid, strict=True)]
    different_and_held = [len(set(row[good == 1])) / variations for row, good in zip(strings, held, strict=True)]
    return {
        "forwards": float(result.nfe.double().mean()),
        "valid": bootstrap(mean, valid.mean(1)).to_json(),
        "exact": float(grades["exact"].nanmean()),
        "valid_and_different": float(np.mean(different)),
        "held": bootstrap(mean, held.mean(1)).to_json(),
        "held_and_different": bootstrap(mean, np.array(different_and_held)).to_json(),
    }


def parts_given(task, tokens, editable):
    """The string of a problem and the parts of its molecule that are given, by their atoms."""
    smiles = task.smiles(tokens)
    sizes = [len(piece) for piece in task.tokenizer.cut(smiles)]
    return smiles, kept_parts(smiles, np.repeat(~editable[: len(sizes)].numpy(), sizes))


def best(rows):
    """The setting with the most valid answers that hold what was given, within `GOAL` forwards; None where there is
    none."""
    within = {name: row for name, row in rows.items() if row["forwards"] <= GOAL}
    return max(within, key=lambda name: within[name]["held"]["value"]) if within else None


def opened(data, split, kind, count):
    """Problems of a kind of a split."""
    if kind in KEEPING:
        return data.opened(split, KEEPING[kind], count)
    problems = getattr(data, split)
    return problems.take(torch.from_numpy(np.flatnonzero(problems.kind == kind)[:count]))


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run", type=Path, help="a run of the experiment molecules_qm9 or molecules_moses")
    parser.add_argument("--opening", choices=["span", *KEEPING], default="span", help="what is written anew")
    parser.add_argument("--queries", type=int, default=1000)
    parser.add_argument("--choose", type=int, default=0, help="validation queries that settings are chosen on")
    parser.add_argument("--variations", type=int, default=5)
    parser.add_argument("--only", nargs="*", help="names of settings, such as random_16 and twin; all by default")
    parser.add_argument("--block-length", type=int, help="of a denoiser of the experiment molecules_blocks")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=RESULTS)
    chosen = parser.parse_args(arguments)
    begun = now()
    masked = load_trained_model(chosen.run / checkpoint("masked"))
    twin = load_trained_model(chosen.run / checkpoint("twin"))
    data: Any = masked.data
    ours, theirs = masked_samplers(masked.model, chosen.block_length), twins(twin.model)
    samplers = {name: one for name, one in {**ours, **theirs}.items() if not chosen.only or name in chosen.only}

    def measured(split, queries):
        rows, problems = {}, opened(data, split, chosen.opening, queries)
        for name, sampler in samplers.items():
            rows[name] = infilled(sampler, data, problems, chosen.variations, chosen.seed)
            row = rows[name]
            print(f"{split}, {name}: {row['forwards']:.1f} forwards, {row['valid']['value']:.1%} valid", flush=True)
        return len(problems), rows

    chosen_on = measured("validation", chosen.choose)[1] if chosen.choose else None
    queries, rows = measured("test", chosen.queries)
    command = "infill.py RUN" + (f" --opening {chosen.opening}" if chosen.opening in KEEPING else "")
    command += f" --queries {queries}" + (f" --choose {chosen.choose}" if chosen.choose else "")
    command += f" --variations {chosen.variations} --seed {chosen.seed}"
    command += f" --block-length {chosen.block_length}" if chosen.block_length else ""
    command += f" --only {' '.join(chosen.only)}" if chosen.only else ""
    known = chosen_on or rows
    chief = {
        kind: best({name: known[name] for name in names if name in known})
        for kind, names in {"setting": ours, "twin": theirs}.items()
    }
    result = {**chief, "settings": rows, "validation": chosen_on, "manifest": provenance(command, begun)}
    chosen.out.mkdir(parents=True, exist_ok=True)
    name = f"infilling_{chosen.opening}.json" if chosen.opening in KEEPING else "infilling.json"
    atomic_write_file(chosen.out / name, json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    warnings.simplefilter("ignore", UserWarning)
    with torch.inference_mode():
        main()
