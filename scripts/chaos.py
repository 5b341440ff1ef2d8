"""Kills commands at random moments, starts them again, and compares with a run that nobody disturbed (`make chaos`).

Every command is the real one with a tiny model, forked from a process that has imported everything, so that a cycle
costs seconds. It is killed with all its workers (SIGKILL) at a moment drawn uniformly from its own duration, looked at
for files that cannot be read, started again until it ends, and held against the undisturbed run: weights, answers,
traces and figures, bit for bit.

    python scripts/chaos.py --kills 100                    # 20 of each command
    python scripts/chaos.py --kills 20 --only ablate       # a part; the table in docs/chaos.json keeps the others
"""

import argparse
import json
import multiprocessing
import os
import pickle
import random
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import torch
from rich.console import Console
from rich.table import Table
from safetensors import safe_open

from adaptive_diffusion.cli.app import app
from adaptive_diffusion.plugins import ray_engine as _ray_engine  # noqa: F401 (imported once, for all children)
from adaptive_diffusion.runs import analyze as _analyze  # noqa: F401
from adaptive_diffusion.runs import engine, evaluate, sample  # noqa: F401
from adaptive_diffusion.runs.ablate import cells as _cells  # noqa: F401
from adaptive_diffusion.runs.ablate import sweep as _sweep  # noqa: F401
from adaptive_diffusion.runs.stages import Train as _Train  # noqa: F401
from adaptive_diffusion.storage.atomic_write import LEFTOVER, atomic_write_file
from adaptive_diffusion.storage.manifest import environment
from adaptive_diffusion.storage.reproducibility import compared, damaged
from adaptive_diffusion.tasks.sudoku.generator import generate
from adaptive_diffusion.tasks.sudoku.geometry import geometry

RESULT = Path(__file__).parent.parent / "docs" / "chaos.json"
MOST_STARTS = 5
TINY = [
    "quickstart",
    "task=sudoku_4x4",
    "model=sudoku_4x4",
    "task.batch_size=32",
    "task.test_puzzles=100",
    "stages.denoiser.steps=30",
    "stages.denoiser.save_every=5",
    "stages.denoiser.module.compile=null",
    "stages.denoiser.module.training_states.0.rows=32",
    "stages.remasking.steps=20",
    "stages.remasking.save_every=5",
    "stages.remasking.module.compile=null",
    "stages.remasking.module.training_states.0.rows=8",
    "stages.remasking.module.training_states.1.rows=8",
    "stages.remasking.module.training_states.2.rows=16",
    "stages.halting.steps=10",
    "stages.rollouts.queries=100",
    "stages.cost_aware.steps=10",
    "stages.halting.save_every=5",
    "stages.halting.module.training_states.0.rows=32",
    "stages.evaluation.samplers=[confidence, 'fixed pace.steps=4', threshold, learned]",
    "stages.evaluation.workers=1",
    "stages.report=null",
]
ASKED = ["../model.safetensors", "--queries", "../puzzles.txt"]
COMMANDS = {
    "train": ["train", *TINY],
    "run": ["run", *TINY],
    "evaluate": ["evaluate", *ASKED, "--sampler", "margin", "--sampler", "threshold", "--json"],
    "sample": ["sample", *ASKED, "--sampler", "mdlm", "-n", "2"],
    "ablate": ["ablate", "../model.safetensors", "sampler=margin,fixed", "seed=0,1", *ASKED[1:], "--workers", "1"],
}


def forked(work: Callable[[], Any], group: bool = False) -> int:
    """The process of a child that does the work and ends with its status."""
    child = os.fork()
    if child:
        return child
    try:
        if group:
            os.setsid()
        status = work() or 0
    except BaseException as error:
        print(repr(error), file=sys.stderr, flush=True)
        status = 70
    os._exit(status)


def asked_of_a_child(work: Callable[[], Any]) -> Any:
    """What the work gives, done in a child: this process starts no threads, so that it can be forked."""
    near, far = os.pipe()
    child = forked(lambda: os.write(far, pickle.dumps(work())) and None)
    os.close(far)
    with os.fdopen(near, "rb") as answer:
        found = answer.read()
    os.waitpid(child, 0)
    return pickle.loads(found)


def start(command: str, place: Path) -> int:
    """The process of a command in the folder `place`; what it says goes to files there."""

    def work() -> int:
        place.mkdir(parents=True, exist_ok=True)
        os.chdir(place)
        for name, stream in (("out", 1), ("err", 2)):
            os.dup2(os.open(name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644), stream)
        sys.argv = ["adaptive-diffusion", *COMMANDS[command], "--folder", "results"]
        try:
            app(sys.argv[1:], prog_name="adaptive-diffusion")
        except SystemExit as stopped:
            sys.stdout.flush()
            return int(stopped.code or 0)
        return 0

    return forked(work, group=True)


def ended(child: int) -> int:
    """The exit status of a child."""
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def killed(child: int, after: float) -> bool:
    """Whether the child was still there after so many seconds and had to be killed, with all it had started."""
    until = time.monotonic() + after
    while time.monotonic() < until:
        if os.waitpid(child, os.WNOHANG)[0]:
            return False
        time.sleep(0.002)
    os.killpg(child, signal.SIGKILL)
    return ended(child) == -signal.SIGKILL


def rows(folder: Path) -> int:
    """Rows of traces and answers below a folder."""
    traced = sum(pq.read_metadata(path).num_rows for path in folder.rglob("rows-*.parquet"))
    answered = 0
    for path in folder.rglob("answers/*/*.safetensors"):
        with safe_open(path, framework="pt") as file:
            answered += file.get_slice("query").get_shape()[0]
    return traced + answered


def output(place: Path) -> Any:
    """What a command printed, times aside."""
    text = (place / "out").read_text()
    try:
        return [{name: value for name, value in row.items() if name != "seconds"} for row in json.loads(text)]
    except ValueError:
        return text


def judged(command: str, complete: Path, place: Path) -> dict[str, Any]:
    """What a killed and restarted command left, beside the undisturbed one."""
    different = [
        f"{file.file}: {file.difference}"
        for file in compared(complete / "results", place / "results")
        if file.difference
    ]
    left = [path.name for path in place.rglob(f"{LEFTOVER}*")]
    speaks = command in ("evaluate", "sample")
    different += ["what it printed"] if speaks and output(complete) != output(place) else []
    return {"lost": rows(complete / "results") - rows(place / "results"), "different": different + left}


def cycle(command: str, complete: Path, place: Path, duration: float, draw: random.Random) -> dict[str, Any]:
    """One kill and what followed."""
    while True:
        shutil.rmtree(place, ignore_errors=True)
        if killed(start(command, place), draw.uniform(0, duration)):
            break
    corrupt = asked_of_a_child(lambda: damaged(place / "results"))
    starts, status = 0, None
    while status != 0 and starts < MOST_STARTS:
        starts, status = starts + 1, ended(start(command, place))
    if status != 0:
        return {"corrupt": corrupt, "starts": starts, "lost": -1, "different": [f"ended with {status}"]}
    return {"corrupt": corrupt, "starts": starts, **asked_of_a_child(lambda: judged(command, complete, place))}


def undisturbed(command: str, place: Path) -> float:
    """Runs a command to its end; the seconds it took."""
    begin = time.monotonic()
    if status := ended(start(command, place)):
        sys.exit(f"{command} ended with {status}:\n{(place / 'err').read_text()}")
    return time.monotonic() - begin


def prepared(world: Path) -> None:
    """A trained model and puzzles for the commands that ask."""
    undisturbed("train", world / "train")
    shutil.copy(world / "train" / "results" / "checkpoints" / "halting.safetensors", world / "model.safetensors")
    puzzles = asked_of_a_child(lambda: generate(geometry(4), 600, "test", 0).puzzles)
    (world / "puzzles.txt").write_text("\n".join("".join(map(str, grid)) for grid in puzzles.tolist()) + "\n")


def table(results: dict[str, Any]) -> Table:
    """The results as a table."""
    shown = Table("command", "kills", "starts again", "rows lost", "corrupt files", "equal results")
    for name, row in results.items():
        shown.add_row(
            name, *(str(row[key]) for key in ("kills", "starts", "rows_lost", "corrupt_files", "equal_results"))
        )
    return shown


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=100, help="of all commands together")
    parser.add_argument("--only", choices=COMMANDS, action="append", help="a command; may be repeated")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=RESULT)
    options = parser.parse_args()
    torch.set_num_threads(1)
    fork = multiprocessing.get_context("fork")
    engine.get_context = lambda method: fork  # starting a worker costs nothing, and it can be killed like a spawned one
    before = json.loads(options.out.read_text()) if options.out.is_file() else {"commands": {}}
    commands = options.only or list(COMMANDS)
    failed = False
    with tempfile.TemporaryDirectory() as folder:
        world = Path(folder)
        prepared(world)
        for index, command in enumerate(commands):
            kills = options.kills // len(commands) + (index < options.kills % len(commands))
            complete = world / f"{command}-whole"
            duration = undisturbed(command, complete)
            draw = random.Random(f"{options.seed} {command}")
            cycles = []
            for number in range(kills):
                cycles.append(cycle(command, complete, world / f"{command}-killed", duration, draw))
                print(f"{command} {number + 1}/{kills}: {cycles[-1]}", file=sys.stderr, flush=True)
            row = {
                "kills": kills,
                "starts": sum(one["starts"] for one in cycles),
                "rows_lost": sum(abs(one["lost"]) for one in cycles),
                "corrupt_files": sum(len(one["corrupt"]) for one in cycles),
                "equal_results": sum(not one["different"] for one in cycles),
                "undisturbed_seconds": round(duration, 2),
                "seed": options.seed,
            }
            failed |= row["rows_lost"] > 0 or row["corrupt_files"] > 0 or row["equal_results"] < kills
            rows_of = {**before["commands"], command: row}
            before["commands"] = {name: rows_of[name] for name in COMMANDS if name in rows_of}
            before |= {"command": "make chaos", **asked_of_a_child(environment)}
            atomic_write_file(options.out, json.dumps(before, indent=2) + "\n")
    Console().print(table(before["commands"]))
    sys.exit(failed)


if __name__ == "__main__":
    main()
