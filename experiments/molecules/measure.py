"""New molecules against forwards: every sampler of the masked denoiser, and its autoregressive twin."""

import argparse
import json
import math
import sys
import time
import warnings
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import torch
from samplers import from_the_left, masked_samplers

from adaptive_diffusion.runs.stage import checkpoint
from adaptive_diffusion.runs.trained_model import load_trained_model
from adaptive_diffusion.storage.atomic_write import atomic_write_file
from adaptive_diffusion.storage.manifest import now, provenance
from adaptive_diffusion.tasks.molecules.chemistry import canonical, error_of
from adaptive_diffusion.tasks.molecules.drawing import gallery
from adaptive_diffusion.tasks.molecules.measures import FCD_MISSING, Reference, summary
from adaptive_diffusion.tasks.molecules.moses_filters import MosesFilters

RESULTS = Path(__file__).parent / "results"
FILE = "samplers.json"
GOAL = 16
"""Forwards within which the best setting of the masked denoiser is looked for."""


def measured(sampler, data, training, reference, count, seed, filters):
    """The figures of `count` new molecules, and the strings. The `filters` of MOSES may be None."""
    problems, begun = data.new(count, seed), time.perf_counter()
    result = sampler.sample(data.task.queries(problems), seed=seed)
    seconds = time.perf_counter() - begun
    strings = [data.task.smiles(row) for row in result.answers]
    nfe = result.nfe.numpy()
    cost = {
        "forwards": float(nfe.mean()),
        "forwards_p95": float(np.quantile(nfe, 0.95, method="higher")),
        "forwards_max": int(nfe.max()),
        "strings_per_second": count / seconds,
    }
    return {**cost, **summary(strings, training, reference, filters=filters)}, strings


def finite(figures):
    """The figures with null for NaN, which JSON does not have."""
    return {
        name: None if isinstance(value, float) and not math.isfinite(value) else value
        for name, value in figures.items()
    }


def command_of(chosen):
    """The command of a setting's manifest."""
    command = f"measure.py RUN --strings {chosen.strings} --reference {chosen.reference} --seed {chosen.seed}"
    command += f" --only {' '.join(chosen.only)}" if chosen.only else ""
    command += f" --block-length {chosen.block_length}" if chosen.block_length else ""
    return command + (f" --filters {chosen.filters.name}" if chosen.filters else "")


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run", type=Path, help="a run of the experiment molecules_qm9 or molecules_moses")
    parser.add_argument("--strings", type=int, default=10_000)
    parser.add_argument("--reference", type=int, default=10_000, help="test molecules that the sets are compared with")
    parser.add_argument("--only", nargs="*", help="names of settings, such as random_16 and twin; all by default")
    parser.add_argument("--block-length", type=int, help="of a denoiser of the experiment molecules_blocks")
    parser.add_argument(
        "--filters", type=Path, help="a wheel of molsets, whose filters are measured; by default for MOSES only"
    )
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=RESULTS)
    chosen = parser.parse_args(arguments)
    if find_spec("fcd_torch") is None:
        print(FCD_MISSING, file=sys.stderr)
    masked = load_trained_model(chosen.run / checkpoint("masked"))
    samplers = masked_samplers(masked.model, chosen.block_length)
    if (chosen.run / checkpoint("twin")).is_file():
        samplers["twin"] = from_the_left(load_trained_model(chosen.run / checkpoint("twin")).model)
    data: Any = masked.data
    reference = Reference(data.strings["test"][: chosen.reference])
    training = frozenset(data.strings["train"])
    chosen.out.mkdir(parents=True, exist_ok=True)
    file = chosen.out / FILE
    filters = MosesFilters(str(chosen.filters)) if chosen.filters else data.corpus.filters()
    # A file from before each row had a manifest of its own has one for all of its rows, which stays theirs.
    content = json.loads(file.read_text()) if file.is_file() else {"settings": {}}
    rows = content["settings"]
    for name, sampler in samplers.items():
        if name in rows or (chosen.only and name not in chosen.only):
            continue
        begun = now()
        figures, strings = measured(sampler, data, training, reference, chosen.strings, chosen.seed, filters)
        rows[name] = {**finite(figures), "manifest": provenance(command_of(chosen), begun)}
        atomic_write_file(file, json.dumps(content, indent=1) + "\n")
        shown = sorted(strings[:30], key=lambda smiles: (canonical(smiles) is None, error_of(smiles) or ""))
        atomic_write_file(chosen.out / f"{name}.html", gallery(shown, f"{name}: the first 30 strings"))
        row = rows[name]
        print(f"{name}: {row['forwards']:.1f} forwards, {row['valid']:.1%} valid, FCD {row['fcd']}", flush=True)


if __name__ == "__main__":
    warnings.simplefilter("ignore", UserWarning)
    with torch.inference_mode():
        main()
