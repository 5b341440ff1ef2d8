"""Edits of a file by a trained model."""

import warnings
from collections.abc import Sequence
from pathlib import Path

import torch

from adaptive_diffusion.config import ConfigSearch
from adaptive_diffusion.evaluation.diversity import Diversity, diversity
from adaptive_diffusion.runs.device import Compute
from adaptive_diffusion.runs.trained_model import load_trained_model
from adaptive_diffusion.runs.variations import warn_of_equal_variations
from adaptive_diffusion.sampling.editing import Edited, edit
from adaptive_diffusion.tasks.editing import EditSpec


def edit_file(
    source: Path,
    file: Path,
    spec: EditSpec,
    sampler: str,
    n: int = 1,
    seed: int = 0,
    allow: Sequence[str] = (),
    search: ConfigSearch | None = None,
    compute: Compute | None = None,
) -> tuple[bytes, Edited, Diversity]:
    """The content of a file, its variations, and how much they differ where they were open.

    Warns:
        UserWarning: a span to revise, and a sampler that takes no token back; several variations that are all the
            same, of a sampler that draws nothing.

    Raises:
        ValueError: a source whose task has no editor, a file that is none, or changes that cannot be made.
    """
    if not file.is_file():
        raise ValueError(f"{file} is no file; give the file to edit")
    content = file.read_bytes()
    found = load_trained_model(source, allow, compute)
    if (editor := found.task.editor) is None:
        raise ValueError(
            f"{source} was trained on {found.task.name}, which has no editor; a task gives one as Task.editor"
        )
    draft = editor.draft(content, spec)
    writer = found.sampler(sampler, search)
    if spec.revise and not writer.one_try.full_plan.revises:
        warnings.warn(
            f"the sampler {sampler!r} takes nothing back, so what is to be revised stays as it is; use one with "
            "remasking: --sampler threshold_remasking",
            stacklevel=2,
        )
    made = edit(writer, draft, n, seed)
    spread = diversity(made.result.answers[:, torch.from_numpy(draft.editable)])
    if spread.distinct == 1:
        warn_of_equal_variations(writer, sampler, n)
    return content, made, spread
