"""What more training gives: validity after some steps of both trainings, from resumable states of a run.

Copy `resume/STAGE/last.ckpt` of the run to STAGE-STEPS.ckpt in a folder while it trains. The average of the weights is
used, as at the end.
"""

import argparse
import json
import re
import warnings
from pathlib import Path
from typing import Any

import torch
from measure import RESULTS
from samplers import from_the_left, masked_samplers

from adaptive_diffusion.evaluation.intervals import bootstrap, mean
from adaptive_diffusion.runs.stage import checkpoint
from adaptive_diffusion.runs.trained_model import load_trained_model
from adaptive_diffusion.storage.atomic_write import atomic_write_file
from adaptive_diffusion.storage.manifest import now, provenance

STATE = re.compile(r"(masked|twin)-(\d+)\.ckpt")
SETTINGS = "random_8", "random_all", "entropy_all", "left_to_right"


def weights(file):
    """The averaged weights of a resumable state."""
    state = torch.load(file, map_location="cpu", weights_only=True)["state_dict"]
    return {name.removeprefix("model."): value for name, value in state.items() if name.startswith("model.")}


@torch.inference_mode()
def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run", type=Path, help="the finished run")
    parser.add_argument("states", type=Path, help="the folder of copied states")
    parser.add_argument("--strings", type=int, default=500)
    parser.add_argument("--seed", type=int, default=4)
    parser.add_argument("--out", type=Path, default=RESULTS)
    chosen = parser.parse_args(arguments)
    begun, found = now(), []
    trained: dict[str, Any] = {name: load_trained_model(chosen.run / checkpoint(name)) for name in ("masked", "twin")}
    data: Any = trained["masked"].data
    problems = data.new(chosen.strings, chosen.seed)
    points = [
        (str(match[1]), int(match[2]), file)
        for file in chosen.states.iterdir()
        if (match := STATE.fullmatch(file.name))
    ]
    for name, steps, file in [*sorted(points), ("masked", None, None), ("twin", None, None)]:
        model = trained[name].model
        if file is not None:
            before = {key: value.clone() for key, value in model.state_dict().items()}
            model.load_state_dict(weights(file))
        own = {"twin": from_the_left(model)} if name == "twin" else masked_samplers(model)
        for setting in ["twin"] if name == "twin" else SETTINGS:
            result = own[setting].sample(data.task.queries(problems), seed=chosen.seed)
            valid = data.task.correct(result.answers, problems).double().numpy()
            found.append({"model": name, "steps": steps, "setting": setting, "valid": bootstrap(mean, valid).to_json()})
            print(name, steps, setting, f"{valid.mean():.1%}", flush=True)
        if file is not None:
            model.load_state_dict(before)
    command = f"growth.py RUN STATES --strings {chosen.strings} --seed {chosen.seed}"
    chosen.out.mkdir(parents=True, exist_ok=True)
    content = {"points": found, "manifest": provenance(command, begun)}
    atomic_write_file(chosen.out / "growth.json", json.dumps(content, indent=1) + "\n")


if __name__ == "__main__":
    warnings.simplefilter("ignore", UserWarning)
    main()
