"""Edits of a file by a trained model."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from adaptive_diffusion.config import ConfigSearch
from adaptive_diffusion.evaluation.diversity import Diversity, diversity
from adaptive_diffusion.runs.device import Compute
from adaptive_diffusion.runs.trained_model import load_trained_model
from adaptive_diffusion.sampling.editing import Edited, edit
from adaptive_diffusion.tasks.text.edits import Change, line_starts
from adaptive_diffusion.tasks.text.task import TextTask

BYTES = re.compile(r"(\d+):(\d+)(?:=(\d+))?")
LINES = re.compile(r"(\d+)-(\d+)(?:=(\d+))?")
INSERTION = re.compile(r"(\d+|start|end)\+(\d+)")


@dataclass(frozen=True)
class EditSpec:
    """What a command asks for, as it was written there: spans `START:STOP` in bytes or `FIRST-LAST` in lines, with
    `=COUNT` for another number of tokens, and insertions `AT+COUNT`."""

    rewrite: Sequence[str] = ()
    revise: Sequence[str] = ()
    insert: Sequence[str] = ()
    delete: Sequence[str] = ()

    def changes(self, text: bytes) -> list[Change]:
        """The changes of a text.

        Raises:
            ValueError: one that cannot be read or lies outside the text.
        """
        made = [Change(*span_of(wish, text)) for wish in self.rewrite]
        made += [Change(*span_of(wish, text)[:2], revise=True) for wish in self.revise]
        made += [Change.delete(*span_of(wish, text)[:2]) for wish in self.delete]
        return made + [insertion_of(wish, text) for wish in self.insert]


def span_of(wish: str, text: bytes) -> tuple[int, int, int | None]:
    """First byte, the byte after the last, and the count of tokens if one is given.

    Raises:
        ValueError: neither form, or lines that the text does not have.
    """
    if found := BYTES.fullmatch(wish):
        start, stop = int(found[1]), int(found[2])
    elif found := LINES.fullmatch(wish):
        begins, first, last = line_starts(text), int(found[1]), int(found[2])
        if not 1 <= first <= last < len(begins):
            raise ValueError(f"lines {wish} are not in the text, which has {len(begins) - 1}")
        start, stop = begins[first - 1], begins[last]
    else:
        raise ValueError(f"{wish!r} is no span: write START:STOP in bytes or FIRST-LAST in lines, =COUNT behind it")
    return start, stop, None if found[3] is None else int(found[3])


def insertion_of(wish: str, text: bytes) -> Change:
    """A change from `AT+COUNT`.

    Raises:
        ValueError: another form.
    """
    found = INSERTION.fullmatch(wish)
    if found is None:
        raise ValueError(f"{wish!r} is no insertion: write AT+COUNT, AT a byte, start or end, COUNT in tokens")
    at = {"start": 0, "end": len(text)}.get(found[1])
    return Change.insert(int(found[1]) if at is None else at, int(found[2]))


def edit_file(
    source: Path,
    file: Path,
    wishes: EditSpec,
    sampler: str,
    n: int = 1,
    seed: int = 0,
    allow: Sequence[str] = (),
    search: ConfigSearch | None = None,
    compute: Compute | None = None,
) -> tuple[bytes, Edited, Diversity]:
    """The text of a file, its variations, and how much they differ where they were open.

    Raises:
        ValueError: a source that was not trained on text, a file that is none, or wishes that cannot be met.
    """
    if not file.is_file():
        raise ValueError(f"{file} is no file; give the text to edit")
    text = file.read_bytes()
    found = load_trained_model(source, allow, compute)
    task = found.task
    if not isinstance(task, TextTask):
        raise ValueError(f"{source} was trained on {task.name}, not on text; edit with a model of text")
    made = edit(found.sampler(sampler, search), text, wishes.changes(text), task.tokenizer, task.length, n, seed)
    opened = made.result.answers[:, torch.from_numpy(made.layout.editable)]
    return text, made, diversity(opened)
