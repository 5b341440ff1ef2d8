"""The goal on MOSES, the CharRNN of its paper: 96.0% valid strings at FCD 0.32, within 16 forwards. Of every family the
setting nearest to it is chosen on validation molecules; those alone are measured on test molecules, once.
"""

import argparse
import json
import warnings
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import torch
from judge import ANEW, drawing, judged
from measure import GOAL, RESULTS, finite, measured
from samplers import from_the_left

from adaptive_diffusion.evaluation.intervals import bootstrap, mean
from adaptive_diffusion.rules.order import Random
from adaptive_diffusion.rules.pace import FixedCount
from adaptive_diffusion.rules.proposal import Draw
from adaptive_diffusion.runs.stage import checkpoint
from adaptive_diffusion.runs.trained_model import load_trained_model
from adaptive_diffusion.sampling.restart import Restart
from adaptive_diffusion.sampling.sampler import Sampler
from adaptive_diffusion.storage.atomic_write import atomic_write_file
from adaptive_diffusion.storage.manifest import now, provenance
from adaptive_diffusion.tasks.molecules.chemistry import error_of
from adaptive_diffusion.tasks.molecules.measures import Reference, summary

VALID, FCD = 0.96, 0.32
"""Of CharRNN, as the goal has them."""
TEMPERATURES = 1.0, 0.9, 0.8, 0.7
THRESHOLDS = 0.3, 0.5, 0.8
PROBABLE = 1e-11, 1e-10, 1e-9, 1e-8, 1e-7
"""A string that was written with a smaller probability is begun anew."""
CHOOSE_SEED, TEST_SEED = 1, 0


def once(model, block_length=None):
    """Each string is drawn once: in the order of entropy, at random and from the left."""
    found = {
        "random_all, temperature 1": Sampler(
            model, proposal=Draw(), order=Random(), pace=FixedCount(), block_length=block_length
        )
    }
    for at in TEMPERATURES:
        found[f"entropy_bound_0.1, temperature {at:g}"] = drawing(model, at, block_length=block_length)
        found[f"left_to_right, temperature {at:g}"] = from_the_left(model, at, block_length)
    return found


def again(sampler):
    """By name, strings that are begun anew while they are improbable as they were written: a rule without learning."""
    return {f"restart {enough:g}": Restart(sampler, 1 + ANEW, enough) for enough in PROBABLE}


def anew(make):
    """The settings that `make` gives at two temperatures."""
    return {f"{name}, temperature {at:g}": found for at in (1.0, 0.8) for name, found in make(at).items()}


def families(chosen):
    """By family and name, the samplers of the runs that were given."""
    masked = load_trained_model(chosen.run / checkpoint("masked"))
    found: dict[str, dict[str, Any]] = {"masked": once(masked.model)}

    found["restart"] = anew(lambda at: again(drawing(masked.model, at)))
    if chosen.judged:
        model = load_trained_model(chosen.judged).model
        found["judged"] = anew(lambda at: judged(model, THRESHOLDS, at))
    if chosen.blocks:
        denoiser = load_trained_model(chosen.blocks / checkpoint("masked")).model
        length = denoiser.denoiser.block_length
        found["blocks"] = once(denoiser, length)
        found["blocks_restart"] = anew(lambda at: again(from_the_left(denoiser, at, length)))
    if (chosen.run / checkpoint("twin")).is_file():
        twin = load_trained_model(chosen.run / checkpoint("twin")).model
        found["twin"] = {f"twin, temperature {at:g}": from_the_left(twin, at) for at in TEMPERATURES}
    return masked.data, found


def distance(row):
    """How far a setting is from the goal: its invalid strings or its FCD, divided by those of the goal, whichever is
    farther. 1 and less reaches it."""
    far = float("inf")
    return max((1 - row["valid"]) / (1 - VALID), (far if row["fcd"] is None else row["fcd"]) / FCD)


def nearest(rows):
    """The setting nearest to the goal within `GOAL` forwards in the mean; of all where there is none."""
    within = {name: row for name, row in rows.items() if row["forwards"] <= GOAL} or rows
    return min(within, key=lambda name: distance(within[name]))


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path, help="a run of the experiment molecules_moses")
    parser.add_argument("--blocks", type=Path, help="a run of molecules_moses_blocks")
    parser.add_argument("--judged", type=Path, help="a run of molecules_judged on the denoiser of RUN")
    parser.add_argument("--families", nargs="*", help="such as masked and twin; all by default")
    parser.add_argument("--choose", type=int, default=1500, help="strings of each setting that is chosen among")
    parser.add_argument("--strings", type=int, default=10_000, help="strings of a chosen setting")
    parser.add_argument("--reference", type=int, default=10_000, help="molecules that the sets are compared with")
    parser.add_argument("--out", type=Path, default=RESULTS / "moses_pairs")
    chosen = parser.parse_args(arguments)
    file = chosen.out / "goal.json"
    found = json.loads(file.read_text()) if file.is_file() else {"validation": {}, "test": {}}
    data, samplers = families(chosen)
    training, filters = frozenset(data.strings["train"]), data.corpus.filters()
    command = f"goal.py RUN --choose {chosen.choose} --strings {chosen.strings} --reference {chosen.reference}"
    command += "".join(f" --{name} RUN" for name in ("blocks", "judged") if getattr(chosen, name))
    chosen.out.mkdir(parents=True, exist_ok=True)

    def row_of(family, name, reference, count, seed):
        begun = now()
        figures, strings = measured(samplers[family][name], data, training, reference, count, seed, filters)
        reasons = Counter(reason for smiles in strings if (reason := error_of(smiles)))
        errors = {reason: found / count for reason, found in reasons.most_common()}
        print(
            f"{family}, {name}: {figures['forwards']:.1f} forwards, {figures['valid']:.1%}, {figures['fcd']}",
            flush=True,
        )
        return {**finite(figures), "errors": errors, "manifest": provenance(command, begun)}

    reference = Reference(data.strings["validation"][: chosen.reference])
    for family in chosen.families or samplers:
        rows = found["validation"].setdefault(family, {})
        for name in samplers[family]:
            if name not in rows:
                rows[name] = row_of(family, name, reference, chosen.choose, CHOOSE_SEED)
                atomic_write_file(file, json.dumps(found, indent=1) + "\n")
    reference = Reference(data.strings["test"][: chosen.reference])
    for family in chosen.families or samplers:
        name = nearest(found["validation"][family])
        if found["test"].get(family, {}).get("setting") != name:
            row = row_of(family, name, reference, chosen.strings, TEST_SEED)
            interval = bootstrap(mean, np.arange(row["strings"]) < round(row["valid"] * row["strings"]))
            more = {"valid_low": interval.low, "valid_high": interval.high, "distance": distance(row)}
            found["test"][family] = {"setting": name, **row, **more}
            atomic_write_file(file, json.dumps(found, indent=1) + "\n")
    found["goal"] = {"valid": VALID, "fcd": FCD, "forwards": GOAL}
    # What a set of real molecules of that size has: no model can be expected to come nearer.
    found["real"] = finite(summary(data.strings["validation"][: chosen.strings], training, reference, filters=filters))
    atomic_write_file(file, json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    warnings.simplefilter("ignore", UserWarning)
    with torch.inference_mode():
        main()
