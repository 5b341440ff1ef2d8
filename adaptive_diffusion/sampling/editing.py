"""Editing: text outside the edited spans stays the same to the byte, in several variations at once."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch

from adaptive_diffusion.core.query import Queries
from adaptive_diffusion.sampling.result import SampleResult
from adaptive_diffusion.sampling.sampler import Sampler
from adaptive_diffusion.tasks.text.edits import Change, EditLayout, edit_layout
from adaptive_diffusion.tasks.text.tokenizer import Tokenizer


@dataclass(frozen=True)
class Edited:
    """n variations of a text.

    Attributes:
        seeds: of each; a call for that seed alone gives the same.
        texts: the complete text, changed.
        layout: where in the sequence the changes lie.
        result: answers [n, L], NFE, halting, revisions.
    """

    seeds: tuple[int, ...]
    texts: tuple[bytes, ...]
    layout: EditLayout
    result: SampleResult


def edit(
    sampler: Sampler,
    text: bytes,
    changes: Sequence[Change],
    tokenizer: Tokenizer,
    longest: int,
    n: int = 1,
    seed: int = 0,
    **options: Any,
) -> Edited:
    """Changes spans of a text and leaves all else unchanged to the byte; remasking may revise inside the spans only.

    A variation is a query whose id is its seed. Ids and nothing else key the noise, so five variations in one call are
    five single calls.

    Args:
        sampler: writes the spans.
        text: the text to edit, of any length; the sequence holds the changes and the context that fits.
        changes: spans to rewrite, revise, insert or delete.
        tokenizer: the denoiser's.
        longest: number of tokens of the largest sequence the denoiser accepts.
        n: variations, with seeds `seed`, `seed` + 1, …
        options: of `Sampler.sample`.

    Raises:
        ValueError: changes that overlap, lie outside the text or too far apart, or n below 1.
    """
    if n < 1:
        raise ValueError(f"n={n}; it must be at least 1")
    layout = edit_layout(text, changes, tokenizer, longest)
    seeds = torch.arange(seed, seed + n)
    tokens, editable, drafted = (
        torch.from_numpy(column).expand(n, -1) for column in (layout.tokens, layout.editable, layout.drafted)
    )
    result = sampler.sample(Queries(seeds, tokens, editable, drafted), **options)
    texts = tuple(layout.text(answer, tokenizer) for answer in result.answers.tolist())
    return Edited(tuple(seeds.tolist()), texts, layout, result)
