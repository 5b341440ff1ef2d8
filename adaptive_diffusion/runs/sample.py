"""Answers to a file of queries, for people to read."""

from collections.abc import Iterator
from typing import NamedTuple

from torch import Tensor

from adaptive_diffusion.config import named_sampler
from adaptive_diffusion.runs.compare import inside
from adaptive_diffusion.runs.query_job import QueryJob
from adaptive_diffusion.runs.sampled import sampled_pieces
from adaptive_diffusion.runs.variations import warn_of_equal_variations
from adaptive_diffusion.tasks.task import Task


class ShownAnswer(NamedTuple):
    """An answer for people.

    Attributes:
        text: the answer, headed by its query, its variation, its NFE, its steps where these are another number, why it
            halted, and why it is not valid where it is not.
        invalid: whether the task's check found it not valid; False where the task cannot tell.
    """

    text: str
    invalid: bool


def sample_file(job: QueryJob, sampler: str, variations: int = 1) -> Iterator[ShownAnswer]:
    """The answers for people to read.

    Args:
        job: the model and the file.
        sampler: a sampler of ``configs/sampler``, with overrides.
        variations: answers to each query.

    Warns:
        UserWarning: several variations that are all the same, of a sampler that draws nothing.

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
        for number, (result, grades) in enumerate((found.result, found.grades) for found in pieces):
            if number == 0 and _all_equal(result.answers, variations):
                warn_of_equal_variations(source.build(named.node), sampler, variations)
            for row in range(len(result.query)):
                title = f"query {int(result.query[row])}, variation {int(result.variation[row])}"
                answer = source.task.decode(result.answers[row])
                nfe, steps = int(result.nfe[row]), int(result.steps[row])
                cost = f"{nfe} NFE" if steps == nfe else f"{nfe} NFE in {steps} steps"
                invalid = bool(grades["valid"][row] == 0)
                mark = _mark(source.task, result.answers[row]) if invalid else ""
                yield ShownAnswer(f"{title}: {cost}, {result.why(row)}{mark}\n{answer}", invalid)


def _all_equal(answers: Tensor, variations: int) -> bool:
    """Whether the variations of every query among answers [R, L] are the same."""
    by_query = answers.unflatten(0, (-1, variations))
    return bool((by_query == by_query[:, :1]).all())


def _mark(task: Task, answer: Tensor) -> str:
    why = task.violation(answer.tolist())
    return "; not valid" if why is None else f"; not valid: {why}"
