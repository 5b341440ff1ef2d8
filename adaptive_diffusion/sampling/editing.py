"""Editing: a file of which only the named spans change, in several variations at once."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from adaptive_diffusion.core.query import Queries
from adaptive_diffusion.sampling.result import SampleResult
from adaptive_diffusion.sampling.sampler import Sampler
from adaptive_diffusion.sampling.step import Step
from adaptive_diffusion.tasks.editing import Draft, OpenSpan


@dataclass(frozen=True)
class Edited:
    """n variations of a file.

    Attributes:
        seeds: of each; a call for that seed alone gives the same.
        contents: the files, changed.
        draft: where in the sequence the changes lie.
        result: answers [n, L], NFE, halting, revisions.
        spans: those of the draft, S.
        written: [n, S] int64, how many tokens of each span were written. A token to be revised that nothing touched was
            only looked at.
        certainty: [n, S] float64, for each span the geometric mean of the probabilities that these tokens were written
            with; NaN where none was.
        violations: for each variation the rule of the task that it breaks, in words; None where it breaks none.
    """

    seeds: tuple[int, ...]
    contents: tuple[bytes, ...]
    draft: Draft
    result: SampleResult
    spans: tuple[OpenSpan, ...]
    written: Tensor
    certainty: Tensor
    violations: tuple[str | None, ...]


class Certainty:
    """An observer that notes which tokens of an answer were written and with which probability, [n, L] by seed."""

    def __init__(self, first: int, drafted: Tensor):
        self.first, self.drafted = first, drafted
        self.probability, self.written = torch.ones(drafted.shape), ~drafted

    def __call__(self, step: Step) -> None:
        left = (step.before.running & ~step.after.running).nonzero()[:, 0]
        after = step.after.take(left)
        rows, length = after.query.cpu() - self.first, after.tokens.shape[1]
        self.probability[rows, :length] = after.commit_probability.cpu()
        touched = ((after.commit_step >= 0) | (after.revisions > 0)).cpu()
        self.written[rows, :length] = touched | ~self.drafted[rows, :length]

    def of(self, spans: Sequence[OpenSpan]) -> tuple[Tensor, Tensor]:
        """How many tokens of each span were written, and the geometric mean of their probabilities, [n, S] each."""
        logs = (self.probability.double().clamp(min=1e-30).log()) * self.written
        counts = torch.stack([self.written[:, list(span.positions)].sum(1) for span in spans], 1)
        return counts, torch.stack([logs[:, list(span.positions)].sum(1) for span in spans], 1).div(counts).exp()


def runs(editable: np.ndarray) -> tuple[OpenSpan, ...]:
    """The runs of true entries of [L]."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], editable, [False]]).astype(int))).tolist()
    return tuple(
        OpenSpan(f"positions {start} to {stop - 1}", tuple(range(start, stop)))
        for start, stop in zip(edges[::2], edges[1::2], strict=True)
    )


def edit(sampler: Sampler, draft: Draft, n: int = 1, seed: int = 0, **options: Any) -> Edited:
    """Changes spans of a file and leaves all else unchanged to the byte; remasking may revise inside the spans only.

    A variation is a query whose id is its seed. Ids and nothing else key the noise, so five variations in one call are
    five single calls.

    Args:
        sampler: writes the spans.
        draft: the file and its changes, made by the task's `editor`.
        n: variations, with seeds `seed`, `seed` + 1, …
        options: of `Sampler.sample`.

    Raises:
        ValueError: n below 1.
    """
    if n < 1:
        raise ValueError(f"n={n}; it must be at least 1")
    seeds = torch.arange(seed, seed + n)
    tokens, editable, drafted = (
        torch.from_numpy(column).expand(n, -1) for column in (draft.tokens, draft.editable, draft.drafted)
    )
    certainty, spans = Certainty(seed, drafted), draft.spans or runs(draft.editable)
    observers = [*options.pop("observers", ()), certainty]
    result = sampler.sample(Queries(seeds, tokens, editable, drafted), observers=observers, **options)
    answers = result.answers.tolist()
    contents, violations = tuple(map(draft.content, answers)), tuple(map(draft.violation, answers))
    return Edited(tuple(seeds.tolist()), contents, draft, result, spans, *certainty.of(spans), violations)
