"""Editing: a file of which only the named spans change, in several variations at once."""

from dataclasses import dataclass
from typing import Any

import torch

from adaptive_diffusion.core.query import Queries
from adaptive_diffusion.sampling.result import SampleResult
from adaptive_diffusion.sampling.sampler import Sampler
from adaptive_diffusion.tasks.editing import Draft


@dataclass(frozen=True)
class Edited:
    """n variations of a file.

    Attributes:
        seeds: of each; a call for that seed alone gives the same.
        contents: the files, changed.
        draft: where in the sequence the changes lie.
        result: answers [n, L], NFE, halting, revisions.
    """

    seeds: tuple[int, ...]
    contents: tuple[bytes, ...]
    draft: Draft
    result: SampleResult


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
    result = sampler.sample(Queries(seeds, tokens, editable, drafted), **options)
    contents = tuple(draft.content(answer) for answer in result.answers.tolist())
    return Edited(tuple(seeds.tolist()), contents, draft, result)
