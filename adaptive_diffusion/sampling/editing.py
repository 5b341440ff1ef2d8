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
from adaptive_diffusion.tasks.editing import Draft


@dataclass(frozen=True)
class Edited:
    """n variations of a file.

    Attributes:
        seeds: of each; a call for that seed alone gives the same.
        contents: the files, changed.
        draft: where in the sequence the changes lie.
        result: answers [n, L], NFE, halting, revisions.
        spans: the runs of positions that were open, as (first, behind the last).
        certainty: [n, S] float64, for each span the geometric mean of the probabilities that its tokens were written
            with; a token that stood at first and stays counts as 1.
    """

    seeds: tuple[int, ...]
    contents: tuple[bytes, ...]
    draft: Draft
    result: SampleResult
    spans: tuple[tuple[int, int], ...]
    certainty: Tensor


class Certainty:
    """An observer that notes with which probability every token of an answer was written, [n, L] by seed."""

    def __init__(self, first: int, count: int, length: int):
        self.first, self.probability = first, torch.ones(count, length)

    def __call__(self, step: Step) -> None:
        left = (step.before.running & ~step.after.running).nonzero()[:, 0]
        found = step.after.commit_probability[left].cpu()
        self.probability[step.after.query[left].cpu() - self.first, : found.shape[1]] = found

    def of(self, spans: Sequence[tuple[int, int]]) -> Tensor:
        """The geometric mean over each span [n, S]."""
        logs = self.probability.double().clamp(min=1e-30).log()
        return torch.stack([logs[:, start:stop].mean(1).exp() for start, stop in spans], 1)


def runs(editable: np.ndarray) -> tuple[tuple[int, int], ...]:
    """The runs of true entries of [L], as (first, behind the last)."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], editable, [False]]).astype(int))).tolist()
    return tuple(zip(edges[::2], edges[1::2], strict=True))


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
    certainty, spans = Certainty(seed, n, len(draft.tokens)), runs(draft.editable)
    observers = [*options.pop("observers", ()), certainty]
    result = sampler.sample(Queries(seeds, tokens, editable, drafted), observers=observers, **options)
    contents = tuple(draft.content(answer) for answer in result.answers.tolist())
    return Edited(tuple(seeds.tolist()), contents, draft, result, spans, certainty.of(spans))
