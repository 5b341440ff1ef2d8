"""The commands that `chaos.py` disturbs, and the processes that run them."""

import json
import os
import pickle
import shutil
import signal
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import torch
from safetensors import safe_open

from adaptive_diffusion.cli.app import app
from adaptive_diffusion.storage.atomic_write import LEFTOVER
from adaptive_diffusion.storage.reproducibility import compared, damaged
from adaptive_diffusion.tasks.sudoku.generator import generate
from adaptive_diffusion.tasks.sudoku.geometry import geometry

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
MODEL, QUERIES = "../model.safetensors", ("--queries", "../puzzles.txt")
INPUTS = "model.safetensors", "puzzles.txt", "puzzle.txt", "legacy.ckpt"
DISK, RESULTS = "disk", "results"


@dataclass(frozen=True)
class Command:
    """A command as a user types it. Its place is a folder with the files it reads; it is started in the folder `disk`
    there, and writes to `results` in that one.

    Attributes:
        arguments: those of the command line.
        prints: what it prints is part of its result.
        writes: it writes files.
        locks: a second process on its folder is refused.
        resumes: what it has finished is not done again.
        reads_model: its result depends on the trained model.
    """

    arguments: Sequence[str]
    prints: bool = False
    writes: bool = True
    locks: bool = True
    resumes: bool = True
    reads_model: bool = True


FOLDER = ("--folder", RESULTS)
SPANS = ("--rewrite", "0:16", "--sampler", "mdlm", "-n", "3", "--json", "--out", RESULTS)
EVALUATE = ["evaluate", MODEL, *QUERIES, "--sampler", "margin", "--sampler", "threshold", "--json", *FOLDER]
COMMANDS = {
    "train": Command(["train", *TINY, *FOLDER], reads_model=False),
    "run": Command(["run", *TINY, *FOLDER], reads_model=False),
    "evaluate": Command(EVALUATE, prints=True),
    "sample": Command(["sample", MODEL, *QUERIES, "--sampler", "mdlm", "-n", "2", *FOLDER], prints=True),
    "ablate": Command(["ablate", MODEL, "sampler=margin,fixed", "seed=0,1", *QUERIES, "--workers", "1", *FOLDER]),
    "edit": Command(["edit", MODEL, "../puzzle.txt", *SPANS], prints=True, locks=False, resumes=False),
    "export": Command(["export", MODEL, RESULTS], locks=False, resumes=False),
    "import": Command(["import", "../legacy.ckpt", RESULTS], locks=False, resumes=False, reads_model=False),
    "models": Command(["models", "--json"], prints=True, writes=False, locks=False, resumes=False, reads_model=False),
}
"""`play` serves a page until it is stopped; `chaos_situations.py` has it."""


def forked(work: Callable[[], Any], group: bool = False) -> int:
    """The process of a child that does the work and ends with its status."""
    child = os.fork()
    if group:
        os.setpgid(child, child or 0)  # by both, so that the group is there for whichever comes first
    if child:
        return child
    try:
        status = work() or 0
    except BaseException as error:
        print(repr(error), file=sys.stderr, flush=True)
        status = 70
    os._exit(status)


def in_a_child(work: Callable[[], Any]) -> Any:
    """What the work gives, done in a child: this process starts no threads, so that it can be forked."""
    near, far = os.pipe()
    child = forked(lambda: os.write(far, pickle.dumps(work())) and None)
    os.close(far)
    with os.fdopen(near, "rb") as answer:
        found = answer.read()
    os.waitpid(child, 0)
    return pickle.loads(found)


def furnish(world: Path, place: Path) -> Path:
    """A new place with the files that commands read."""
    shutil.rmtree(place, ignore_errors=True)
    (place / DISK).mkdir(parents=True)
    for name in INPUTS:
        if (world / name).is_file():
            shutil.copy(world / name, place / name)
    return place


def start(arguments: Sequence[str], place: Path, name: str = "") -> int:
    """The process of a command; what it prints goes to the files `out` and `err` of its place, with `name` in front."""

    def work() -> int:
        os.chdir(place / DISK)
        for file, stream in (("out", 1), ("err", 2)):
            os.dup2(os.open(f"../{name}{file}", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644), stream)
        sys.argv = ["adaptive-diffusion", *arguments]
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
    """Whether the child still ran after so many seconds and had to be killed, with all it had started."""
    until = time.monotonic() + after
    while time.monotonic() < until:
        if os.waitpid(child, os.WNOHANG)[0]:
            return False
        time.sleep(0.002)
    os.killpg(child, signal.SIGKILL)
    return ended(child) == -signal.SIGKILL


def undisturbed(command: Command, place: Path) -> float:
    """Runs a command to its end; the seconds it took."""
    begin = time.monotonic()
    if status := ended(start(command.arguments, place)):
        sys.exit(f"{command.arguments[0]} ended with {status}:\n{(place / 'err').read_text()}")
    return time.monotonic() - begin


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
        found = json.loads(text)
    except ValueError:
        return text
    return (
        [{name: value for name, value in row.items() if name != "seconds"} for row in found]
        if isinstance(found, list)
        else found
    )


def differences(command: Command, complete: Path, place: Path, more: bool = False) -> list[str]:
    """How what a disturbed command left differs from what an undisturbed one left; with `more`, further files are no
    difference."""
    mine, theirs = results(complete), results(place)
    found = [
        f"{file.file}: {file.difference}"
        for file in compared(mine, theirs)
        if file.difference and not (more and not (mine / file.file).is_file())
    ]
    texts = {path.relative_to(mine) for path in mine.rglob("*.txt")} if mine.is_dir() else set()
    found += [str(name) for name in texts if _content(mine / name) != _content(theirs / name)]
    found += [path.name for path in place.rglob(f"{LEFTOVER}*")]
    return found + (["what it printed"] if command.prints and output(complete) != output(place) else [])


def _content(path: Path) -> bytes | None:
    return path.read_bytes() if path.is_file() else None


def results(place: Path) -> Path:
    """Where a command writes."""
    return place / DISK / RESULTS


def unreadable(place: Path) -> list[str]:
    """Results that cannot be read."""
    return damaged(results(place)) if results(place).is_dir() else []


def prepare(world: Path) -> None:
    """Two trained models, puzzles and a legacy checkpoint for the commands that need them."""
    undisturbed(COMMANDS["train"], furnish(world, world / "train"))
    trained = results(world / "train") / "checkpoints"
    shutil.copy(trained / "halting.safetensors", world / "model.safetensors")
    in_a_child(lambda: _other_model(world))
    puzzles = in_a_child(lambda: generate(geometry(4), 600, "test", 0).puzzles)
    (world / "puzzles.txt").write_text("\n".join("".join(map(str, grid)) for grid in puzzles.tolist()) + "\n")
    (world / "puzzle.txt").write_text("".join(map(str, puzzles[0].tolist())) + "\n")


def _other_model(world: Path) -> None:
    """A model with other weights, and a pickled checkpoint of the weights."""
    from adaptive_diffusion.storage.checkpoint import load_checkpoint, read_header, save_checkpoint

    header, model = read_header(world / "model.safetensors"), load_checkpoint(world / "model.safetensors")
    torch.save({"state_dict": model.state_dict()}, world / "legacy.ckpt")
    with torch.no_grad():
        for weight in model.parameters():
            weight.add_(0.1 * torch.randn(weight.shape, generator=torch.Generator().manual_seed(1)))
    save_checkpoint(world / "other.safetensors", model, header.config, header.about)
