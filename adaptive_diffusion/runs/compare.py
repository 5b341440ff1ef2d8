"""Samplers side by side on the same queries: answers, figures, traces."""

import json
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from adaptive_diffusion.core.trace import read_trace
from adaptive_diffusion.evaluation.accuracy import distinct_share, summarise
from adaptive_diffusion.evaluation.answers import ScoredAnswers
from adaptive_diffusion.models.heads import DenoiserWithHeads
from adaptive_diffusion.runs.engine import Engine, Here
from adaptive_diffusion.runs.sampled import PIECE, SLOTS, AnswerFigures, sampled_pieces
from adaptive_diffusion.sampling.sampler import Sampler
from adaptive_diffusion.storage.atomic_write import atomic_write
from adaptive_diffusion.tasks.task import Task

ROW, TRACE = "row.json", "trace"
Unbound = Callable[..., Sampler]
"""A sampler that still waits for its denoiser: what a config of configs/sampler becomes."""


def build_sampler(unbound: Unbound, model: DenoiserWithHeads) -> Sampler:
    """The sampler on a model; its rules take the heads they need from there.

    Raises:
        ValueError: a config that describes no sampler, or a rule that needs a head the model does not have.
    """
    if not callable(unbound):
        raise ValueError(
            f"the config describes no sampler, but {unbound!r}; it needs `_target_: {Sampler.__module__}.Sampler` and "
            "`_partial_: true`, or `defaults: [confidence, _self_]`"
        )
    return unbound(denoiser=model)


def compare(
    name: str,
    sampler: Sampler,
    task: Task,
    problems: Any,
    seed: int = 0,
    slots: int = SLOTS,
    trace: Path | None = None,
    family: str = "",
    piece: int | None = PIECE,
) -> tuple[dict[str, Any], ScoredAnswers]:
    """One summary row and the sampler's answers query by query. `heads` of the row are those its rules predict with.

    Args:
        name, family: of the sampler, in tables and figures; without a family it is its own.
        sampler: answers the queries.
        task, problems: what is sampled and checked.
        seed, slots: of sampling.
        trace: a folder for the trace; None records none. `seconds` of the row does not count the recording.
        piece: problems that are sampled and graded before the next ones, so that memory is bounded; None takes all.
    """
    family = family or name
    pieces = sampled_pieces(name, sampler, task, problems, 1, seed, slots, trace, family, piece)
    found = AnswerFigures.joined([AnswerFigures.of(done) for done in pieces])
    columns = found.columns
    row = {
        "sampler": name,
        "family": family,
        "heads": list(sampler.head_names),
        **summarise(columns["nfe"], found.grades, columns["token_forwards"]),
        "steps_mean": columns["steps"].double().mean().item(),
        "distinct": distinct_share(found.written),
        "revisions_mean": columns["revisions"].double().mean().item(),
        "rewrites_mean": columns["rewrites"].double().mean().item(),
        "cycled": int(columns["cycled"].sum()),
        "budget_spent": int(columns["budget_spent"].sum()),
        "faults": found.faults,
        "seconds": round(found.seconds, 3),
    }
    quality = found.grades["score" if task.headline == "score" else "correct"].double()
    return row, ScoredAnswers(name, family, columns["query"].numpy(), columns["nfe"].numpy(), quality.numpy())


def compare_all(
    samplers: Mapping[str, Sampler],
    task: Task,
    problems: Any,
    say: Callable[[str], None],
    seed: int = 0,
    slots: int = SLOTS,
    kept: Path | None = None,
    engine: Engine | None = None,
    families: Mapping[str, str] | None = None,
    traces: Path | None = None,
    piece: int | None = PIECE,
) -> tuple[list[dict[str, Any]], dict[str, ScoredAnswers]]:
    """`compare` for each sampler, on an engine if there is one; `say` is called with a line per sampler.

    In the folder `kept` each sampler gets a folder, complete or not at all, with its row and its `trace`; one that has
    it already is not sampled again. Without it, traces go to the folder `traces`, if given. `families` are those of the
    samplers, by name; `piece` is that of `compare`.

    Raises:
        ValueError: the name of a sampler that leads out of the folder.
    """
    families = families or {}
    places = {name: None if kept is None else inside(kept, name) for name in samplers}
    found = {name: _earlier(place) for name, place in places.items() if place is not None and place.is_dir()}
    for name in found:
        say(f"  {name}: sampled before")
    waiting = [
        (name, families.get(name, name), sampler, places[name])
        for name, sampler in samplers.items()
        if name not in found
    ]
    work = partial(_compare_one, task, problems, seed, slots, traces, piece)
    for number, (row, answers) in (engine or Here()).each(work, waiting):
        found[waiting[number][0]] = row, answers
        say(f"  {row['sampler']}: {quality_text(row)} at {row['nfe_mean']:.2f} mean NFE, {row['seconds']:.1f} s")
    return [found[name][0] for name in samplers], {name: found[name][1] for name in samplers}


def quality_text(row: Mapping[str, Any]) -> str:
    """How good a sampler's answers are, for a line of a log."""
    return "not judged" if row["correct"] is None else f"{100 * row['correct']:.1f}% correct"


def inside(folder: Path, name: str) -> Path:
    """The place of that name in a folder. Raises `ValueError` for a name that leads out of it."""
    if not (folder / name).resolve().is_relative_to(folder.resolve()) or not name.strip("./ "):
        raise ValueError(f"{name!r} cannot name a sampler here: its trace would lie elsewhere")
    return folder / name


def _compare_one(
    task: Task,
    problems: Any,
    seed: int,
    slots: int,
    traces: Path | None,
    piece: int | None,
    work: tuple[str, str, Sampler, Path | None],
) -> tuple[dict[str, Any], ScoredAnswers]:
    name, family, sampler, place = work
    with torch.inference_mode():
        if place is None:
            trace = None if traces is None else inside(traces, name)
            return compare(name, sampler, task, problems, seed, slots, trace, family, piece)
        with atomic_write(place) as part:
            row, answers = compare(name, sampler, task, problems, seed, slots, part / TRACE, family, piece)
            (part / ROW).write_text(json.dumps(row))
        return row, answers


def _earlier(place: Path) -> tuple[dict[str, Any], ScoredAnswers]:
    return json.loads((place / ROW).read_text()), ScoredAnswers.of(read_trace(place / TRACE))


def chief_difficulty(task: Task, problems: Any) -> Tensor:
    """[N] the task's first measure of difficulty; 0 for a task without one."""
    found = task.difficulty(problems)
    return found[task.difficulties[0].name] if task.difficulties else torch.zeros(len(problems))
