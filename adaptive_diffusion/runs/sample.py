"""Answers to a file of queries, for people to read."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from adaptive_diffusion.runs.evaluate import read_problems
from adaptive_diffusion.runs.source import open_source


def sample_file(
    source: Path,
    queries: Path,
    sampler: str,
    variations: int = 1,
    seed: int = 0,
    skip_bad: bool = False,
    allow: Sequence[str] = (),
) -> Iterator[str]:
    """The answers as text, each headed by its query, its variation, its NFE and why it halted.

    Args:
        source: a run folder or a checkpoint.
        queries: a file of queries in a form the task reads.
        sampler: a name in ``configs/sampler``.
        variations: answers to each query.
        seed: keys the random draws.
        skip_bad: leave out queries that cannot be read.
        allow: modules whose classes configs and checkpoints may name.

    Raises:
        ValueError: for a source, a query or a sampler that cannot be used.
    """
    found = open_source(source, allow)
    problems = read_problems(found, queries, skip_bad)
    asked = found.task.queries(problems)
    result = found.sampler(sampler).sample(asked, n=variations, seed=seed)
    for row in range(len(result.query)):
        title = f"query {int(result.query[row])}, variation {int(result.variation[row])}"
        yield f"{title}: {int(result.nfe[row])} NFE, {result.why(row)}\n{found.task.decode(result.answers[row])}"
