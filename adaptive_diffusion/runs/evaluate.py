"""Samplers side by side on a file of queries."""

import sys
from collections.abc import Sequence
from typing import Any

from adaptive_diffusion.runs.compare import compare_all
from adaptive_diffusion.runs.query_job import QueryJob


def evaluate_file(asked: QueryJob, samplers: Sequence[str]) -> list[dict[str, Any]]:
    """One row for each sampler: ``sampler, exact, valid, nfe_mean, nfe_p95, nfe_max, seconds, queries``.

    Args:
        asked: the model and the file.
        samplers: names in ``configs/sampler``.

    Raises:
        ValueError: for a source, a query or a sampler that cannot be used.
    """
    source, problems = asked.open()
    quiet = lambda line: print(line, file=sys.stderr)  # noqa: E731 (a one-line sink: rows go to standard output)
    with asked.held() as held:
        built = {name: asked.sampler(source, name, held) for name in samplers}
        rows, _ = compare_all(built, source.task, problems, quiet, seed=asked.seed)
    return rows
