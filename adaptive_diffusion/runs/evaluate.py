"""Samplers side by side on a file of queries."""

import sys
from collections.abc import Sequence
from typing import Any

from adaptive_diffusion.config import named_samplers
from adaptive_diffusion.runs.compare import compare_all, with_families
from adaptive_diffusion.runs.query_job import QueryJob


def evaluate_file(asked: QueryJob, samplers: Sequence[str]) -> list[dict[str, Any]]:
    """One row for each sampler: ``sampler, family, exact, valid, nfe_mean, nfe_p95, nfe_max, seconds, queries``.

    Args:
        asked: the model and the file.
        samplers: of ``configs/sampler``, with overrides; several values of one override are several samplers.

    Raises:
        ValueError: for a source, a query or a sampler that cannot be used.
    """
    named = named_samplers(samplers, asked.search)
    source, problems = asked.open()
    quiet = lambda line: print(line, file=sys.stderr)  # noqa: E731 (a one-line sink: rows go to standard output)
    with asked.held() as held:
        built = {one.name: asked.sampler(source, one, held) for one in named}
        rows, _ = compare_all(built, source.task, problems, quiet, seed=asked.seed)
    return with_families(rows, {one.name: one.family for one in named})
