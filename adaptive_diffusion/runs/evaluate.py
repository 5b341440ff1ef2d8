"""Samplers side by side on a file of queries."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from adaptive_diffusion.runs.compare import compare_all
from adaptive_diffusion.runs.source import Source, open_source


def evaluate_file(
    source: Path,
    queries: Path,
    samplers: Sequence[str],
    seed: int = 0,
    skip_bad: bool = False,
    allow: Sequence[str] = (),
) -> list[dict[str, Any]]:
    """One row for each sampler: ``sampler, exact, valid, nfe_mean, nfe_p95, nfe_max, seconds, queries``.

    Args:
        source: a run folder or a checkpoint.
        queries: a file of queries in a form the task reads.
        samplers: names in ``configs/sampler``.
        seed: keys the random draws.
        skip_bad: leave out queries that cannot be read.
        allow: modules whose classes configs and checkpoints may name.

    Raises:
        ValueError: for a source, a query or a sampler that cannot be used.
    """
    found = open_source(source, allow)
    problems = read_problems(found, queries, skip_bad)
    built = {name: found.sampler(name) for name in samplers}
    quiet = lambda line: print(line, file=sys.stderr)  # noqa: E731 (a one-line sink: rows go to standard output)
    rows, _ = compare_all(built, found.task, problems, quiet, seed=seed)
    return rows


def read_problems(source: Source, queries: Path, skip_bad: bool) -> Any:
    """The problems of a file; what is left out is said on standard error.

    Raises:
        ValueError: a file that the task cannot read, or a bad line where `skip_bad` does not allow it.
    """
    file = source.task.read(queries, skip_bad)
    for line in file.skipped:
        print(f"skipped: {line}", file=sys.stderr)
    if not len(file.puzzles):
        raise ValueError(f"{queries} holds no query that can be used")
    return file.puzzles
