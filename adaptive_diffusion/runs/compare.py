"""Samplers side by side on the same queries: answers, figures, traces."""

import json
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from adaptive_diffusion.core.trace import read_trace
from adaptive_diffusion.core.trace_writer import TraceWriter
from adaptive_diffusion.evaluation.accuracy import SamplerSummary
from adaptive_diffusion.evaluation.curves import Setting
from adaptive_diffusion.models.heads import DenoiserWithHeads
from adaptive_diffusion.runs.engine import Engine, Here
from adaptive_diffusion.sampling.sampler import Sampler
from adaptive_diffusion.sampling.tracing import TraceRecorder
from adaptive_diffusion.storage.atomic_write import atomic_write
from adaptive_diffusion.tasks.task import Task

ROW, TRACE = "row.json", "trace"
Unbound = Callable[..., Sampler]
"""A sampler that still waits for its denoiser: what a config of configs/sampler becomes."""


def build_sampler(unbound: Unbound, model: DenoiserWithHeads) -> Sampler:
    """The sampler on a model; its rules take the heads they need from there.

    Raises:
        ValueError: a rule that needs a head the model does not have.
    """
    return unbound(denoiser=model)


def compare(
    name: str, sampler: Sampler, task: Task, problems: Any, seed: int = 0, slots: int = 256, trace: Path | None = None
) -> tuple[dict[str, Any], Setting]:
    """One summary row and the sampler's answers query by query; its trace goes to the folder `trace`, if given."""
    queries = task.queries(problems)
    with ExitStack() as stack:
        recorder = None if trace is None else TraceRecorder(stack.enter_context(TraceWriter(trace)))
        begin = time.perf_counter()
        result = sampler.sample(queries, seed=seed, slots=slots, observers=[recorder] if recorder else [])
        seconds = time.perf_counter() - begin
        correctness = task.verify(result.answers, problems)
        if recorder is not None:
            difficulty = task.difficulty(problems)
            clues = {"clues": difficulty["clues"].int()} if "clues" in difficulty else {}
            chief = chief_difficulty(task, problems).float()
            known = {"exact": correctness.exact, "valid": correctness.valid, "difficulty": chief, **clues}
            if (target := task.targets(problems)) is not None:
                known["target"] = target
            recorder.finish(queries, result, **known)
    summary = SamplerSummary()
    summary.update(result.nfe, correctness.exact, correctness.valid)
    revising = {
        "revisions_mean": result.revisions.double().mean().item(),
        "cycled": int(result.cycled.sum()),
        "budget_spent": int(result.budget_spent.sum()),
        "faults": len(result.faults),
    }
    row = {"sampler": name, **summary.compute(), **revising, "seconds": round(seconds, 3)}
    setting = Setting(name, result.query.numpy(), result.nfe.numpy(), correctness.exact.numpy().astype(bool))
    return row, setting


def compare_all(
    samplers: Mapping[str, Sampler],
    task: Task,
    problems: Any,
    say: Callable[[str], None],
    seed: int = 0,
    slots: int = 256,
    kept: Path | None = None,
    engine: Engine | None = None,
) -> tuple[list[dict[str, Any]], dict[str, Setting]]:
    """`compare` for each sampler, on an engine if there is one, saying each row.

    In the folder `kept` each sampler gets a folder, whole or not at all, with its row and its `trace`; one that has it
    already is not asked again.

    Raises:
        ValueError: the name of a sampler that leads out of the folder.
    """
    places = {name: None if kept is None else inside(kept, name) for name in samplers}
    found = {name: _earlier(name, place) for name, place in places.items() if place is not None and place.is_dir()}
    for name in found:
        say(f"  {name}: answered before, kept")
    waiting = [(name, sampler, places[name]) for name, sampler in samplers.items() if name not in found]
    work = partial(_compare_one, task, problems, seed, slots)
    for number, (row, setting) in (engine or Here()).each(work, waiting):
        found[waiting[number][0]] = row, setting
        say(
            f"  {row['sampler']}: {100 * row['exact']:.1f}% exact at {row['nfe_mean']:.2f} mean NFE, "
            f"{row['seconds']:.1f} s"
        )
    return [found[name][0] for name in samplers], {name: found[name][1] for name in samplers}


def with_families(rows: Sequence[Mapping[str, Any]], families: Mapping[str, str]) -> list[dict[str, Any]]:
    """The rows with the family of each sampler beside its name."""
    return [{"sampler": row["sampler"], "family": families[row["sampler"]]} | dict(row) for row in rows]


def inside(folder: Path, name: str) -> Path:
    """The place of that name in a folder. Raises `ValueError` for a name that leads out of it."""
    if not (folder / name).resolve().is_relative_to(folder.resolve()) or not name.strip("./ "):
        raise ValueError(f"{name!r} cannot name a sampler here: its trace would lie elsewhere")
    return folder / name


def _compare_one(
    task: Task, problems: Any, seed: int, slots: int, asked: tuple[str, Sampler, Path | None]
) -> tuple[dict[str, Any], Setting]:
    name, sampler, place = asked
    with torch.inference_mode():
        if place is None:
            return compare(name, sampler, task, problems, seed, slots)
        with atomic_write(place) as part:
            row, setting = compare(name, sampler, task, problems, seed, slots, part / TRACE)
            (part / ROW).write_text(json.dumps(row))
        return row, setting


def _earlier(name: str, place: Path) -> tuple[dict[str, Any], Setting]:
    return json.loads((place / ROW).read_text()), Setting.of(name, read_trace(place / TRACE).rows)


def chief_difficulty(task: Task, problems: Any) -> Tensor:
    """[N] the task's chief measure of difficulty."""
    return next(iter(task.difficulty(problems).values()))
