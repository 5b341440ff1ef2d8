"""Answers to a file of queries, for people to read."""

from collections.abc import Iterator

from adaptive_diffusion.config import named_sampler
from adaptive_diffusion.runs.compare import inside
from adaptive_diffusion.runs.query_job import QueryJob
from adaptive_diffusion.runs.sampled import sampled_pieces


def sample_file(job: QueryJob, sampler: str, variations: int = 1) -> Iterator[str]:
    """The answers as text, each headed by its query, its variation, its NFE, its steps where these are another number,
    and why it halted.

    Args:
        job: the model and the file.
        sampler: a sampler of ``configs/sampler``, with overrides.
        variations: answers to each query.

    Raises:
        ValueError: for a source, a query or a sampler that cannot be used.
    """
    named = named_sampler(sampler, job.search)
    source, problems = job.open()
    trace = None if job.trace is None else inside(job.trace / "traces", named.name)
    with job.held() as held:
        sampling = job.sampler(source, named, held, job.chosen(source, [named])[named.name])
        pieces = sampled_pieces(
            named.name,
            sampling,
            source.task,
            problems,
            variations,
            job.seed,
            trace=trace,
            family=named.family,
            piece=job.piece,
        )
        for result in (found.result for found in pieces):
            for row in range(len(result.query)):
                title = f"query {int(result.query[row])}, variation {int(result.variation[row])}"
                answer = source.task.decode(result.answers[row])
                nfe, steps = int(result.nfe[row]), int(result.steps[row])
                cost = f"{nfe} NFE" if steps == nfe else f"{nfe} NFE in {steps} steps"
                yield f"{title}: {cost}, {result.why(row)}\n{answer}"
