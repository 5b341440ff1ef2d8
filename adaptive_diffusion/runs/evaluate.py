"""Samplers side by side on a file of queries."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any


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
    raise ValueError("Evaluation of files is not in this version.")
