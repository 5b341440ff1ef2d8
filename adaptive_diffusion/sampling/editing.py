"""Editing: a text whose kept spans stay to the byte, in several variations at once."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch

from adaptive_diffusion.core.query import Queries
from adaptive_diffusion.sampling.result import SampleResult
from adaptive_diffusion.tasks.text.changes import Canvas, Change, canvas_of
from adaptive_diffusion.tasks.text.tokenizer import Tokenizer


@dataclass(frozen=True)
class Edited:
    """n variations of a text.

    Attributes:
        seeds: of each; a call for that seed alone gives the same.
        texts: the whole text, changed.
        canvas: where on the canvas the changes lie.
        result: answers [n, L], NFE, halting, revisions.
    """

    seeds: tuple[int, ...]
    texts: tuple[bytes, ...]
    canvas: Canvas
    result: SampleResult


def edited(
    sample: Callable[..., SampleResult],
    text: bytes,
    changes: Sequence[Change],
    tokenizer: Tokenizer,
    longest: int,
    n: int,
    seed: int,
    options: dict[str, Any],
) -> Edited:
    """`Sampler.edit` on the sampler's own `sample`.

    A variation is a query whose id is its seed: ids and nothing else key the noise, so it does not know its neighbours.
    """
    if n < 1:
        raise ValueError(f"n={n}; it must be at least 1")
    canvas = canvas_of(text, changes, tokenizer, longest)
    seeds = torch.arange(seed, seed + n)
    tokens, editable, drafted = (
        torch.from_numpy(column).expand(n, -1) for column in (canvas.tokens, canvas.editable, canvas.drafted)
    )
    result = sample(Queries(seeds, tokens, editable, drafted), **options)
    texts = tuple(canvas.text(answer, tokenizer) for answer in result.answers.tolist())
    return Edited(tuple(seeds.tolist()), texts, canvas, result)
