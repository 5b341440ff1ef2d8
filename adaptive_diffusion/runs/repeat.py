"""A run again, from what its folder says of it, and whether the numbers are the same."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from adaptive_diffusion.config import differences, digest
from adaptive_diffusion.runs.device import Compute
from adaptive_diffusion.runs.experiment import run_experiment
from adaptive_diffusion.runs.recorded_config import CONFIG, read_config
from adaptive_diffusion.storage.folder import RunFolder
from adaptive_diffusion.storage.manifest import NAME, environment
from adaptive_diffusion.storage.reproducibility import Compared, compared

SURROUNDINGS = ("versions", "processor", "threads", "device", "source")


def repeat_run(
    run: Path, into: RunFolder, say: Callable[[str], None], compute: Compute | None = None
) -> list[Compared]:
    """Runs the finished stages of `run` again in the fresh folder `into` (entered), and compares the results.

    Classes of modules beside this package must be allowed again: a folder cannot allow them for its user.

    Raises:
        ValueError: a folder that does not say how it was made, was made by a sweep or has no finished stage, or an
            `into` that is not fresh.
    """
    plain, manifest = recorded_config(run)
    if into.file(CONFIG).is_file():
        raise ValueError(f"{into.path} holds a run already; name a fresh folder with --folder")
    for change in surroundings(manifest):
        say(f"Other than then: {change}.")
    run_experiment(plain, into, say=say, compute=compute)
    return compared(run, into.path)


def recorded_config(run: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """The config of what was finished in a run folder, and its manifest.

    Raises:
        ValueError: as `repeat_run`.
    """
    manifest = RunFolder(run).read_json(NAME)
    if not isinstance(manifest, dict):
        raise ValueError(f"{run} has no {NAME}: it is no run folder")
    if not (run / CONFIG).is_file():
        command = " ".join(map(str, manifest.get("command", ["adaptive-diffusion"])[1:]))
        raise ValueError(
            f"{run} was not made by run or train. Repeat its command in another folder: adaptive-diffusion {command} "
            "--folder OTHER"
        )
    plain = read_config(run / CONFIG)
    if digest(plain) != manifest.get("config_sha256"):
        raise ValueError(f"{run / CONFIG} is not the config that {NAME} was written for; it was changed afterwards")
    recorded, stages = manifest.get("stages"), plain.get("stages")
    if not isinstance(recorded, dict) or not isinstance(stages, dict):
        raise ValueError(f"{run / NAME} is damaged: it lists no stages")
    done = {
        name: node
        for name, node in stages.items()
        if isinstance(recorded.get(name), dict) and recorded[name].get("done")
    }
    if not done:
        raise ValueError(f"no stage of {run} was finished, so there is nothing to compare with")
    return {**plain, "stages": done}, manifest


def compute_of(manifest: dict[str, Any]) -> dict[str, str]:
    """The device and the precision that a manifest names; `auto` where it names none."""
    found = manifest.get("compute")
    named = found if isinstance(found, dict) else {}
    return {name: str(named.get(name, "auto")) for name in ("device", "precision")}


def surroundings(manifest: dict[str, Any]) -> list[str]:
    """What is another machine, version or source now than when the manifest was written, a phrase each."""
    now = environment()
    then = {name: manifest.get(name) for name in SURROUNDINGS}
    return differences(then, {name: now[name] for name in SURROUNDINGS})
