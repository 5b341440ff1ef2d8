"""Samplers side by side on a file of queries."""

import json
import sys
from collections.abc import Sequence
from typing import Any

from adaptive_diffusion.config import named_samplers
from adaptive_diffusion.core.measures import AnswerMeasure
from adaptive_diffusion.runs.compare import compare_all
from adaptive_diffusion.runs.query_job import QueryJob
from adaptive_diffusion.runs.risk import Chosen
from adaptive_diffusion.storage.atomic_write import atomic_write_file


def evaluate_file(job: QueryJob, samplers: Sequence[str]) -> tuple[list[dict[str, Any]], Sequence[AnswerMeasure]]:
    """A row for each sampler, as `runs.compare.compare` gives it, and the task's own figures of answers.

    Args:
        job: the model and the file; its folder of traces gets a `summary.json` too.
        samplers: of ``configs/sampler``, with overrides; several values of one override are several samplers.

    Raises:
        ValueError: for a source, a query or a sampler that cannot be used.
    """
    named = named_samplers(samplers, job.search)
    source, problems = job.open()
    quiet = lambda line: print(line, file=sys.stderr)  # noqa: E731 (a one-line sink: rows go to standard output)
    families = {one.name: one.family for one in named}
    traces = None if job.trace is None else job.trace / "traces"
    with job.held() as held:
        chosen = job.chosen(source, named)
        built = {one.name: job.sampler(source, one, held, chosen[one.name]) for one in named}
        options: dict[str, Any] = {"seed": job.seed, "families": families, "traces": traces, "piece": job.piece}
        rows, _ = compare_all(built, source.task, problems, quiet, **options)
    rows = [{**row, **_promised(chosen[row["sampler"]])} for row in rows]
    if job.trace is not None:
        summary = {"task": source.task.name, "seed": job.seed, "samplers": rows}
        atomic_write_file(job.trace / "summary.json", json.dumps(summary, indent=2) + "\n")
    return rows, source.task.columns


def _promised(chosen: Chosen | None) -> dict[str, Any]:
    return {} if chosen is None else {"risk_control": chosen.to_json()}
