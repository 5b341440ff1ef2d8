"""The port for tasks: what the rest of the package may use of any task."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, Self, final

import torch
from torch import Tensor

from adaptive_diffusion.core.layout import Layout, TextLayout
from adaptive_diffusion.core.measures import AnswerMeasure, Difficulty, Headline
from adaptive_diffusion.core.query import Queries
from adaptive_diffusion.core.rows import Rows
from adaptive_diffusion.tasks.editing import Editor

__all__ = ["AnswerMeasure", "Correctness", "Difficulty", "Problems", "QueryFile", "Task"]


class Problems(Protocol):
    """N problems in columns: a frozen dataclass that derives from `core.rows.Rows` and has a length."""

    def __len__(self) -> int: ...

    def take(self, index: Tensor | slice) -> Self:
        """The problems at `index` [R] int64, in that order, or those of a slice."""
        ...


@dataclass(frozen=True)
class Correctness(Rows):
    """Which of R answers are correct.

    Attributes:
        exact: bool [R], the answer is the reference solution; False where there is no reference.
        valid: bool [R], the answer satisfies the task's rules and keeps what was given.
        score: float32 [R] in 0..1, for tasks that grade their answers; None takes the task's headline.
        columns: further figures of each answer, float32 [R], by the names of `Task.columns`.
        has_reference: bool [R], where `exact` means something; None means everywhere.
        has_checker: bool [R], where `valid` and `score` mean something; None means everywhere.
    """

    exact: Tensor
    valid: Tensor
    score: Tensor | None = None
    columns: Mapping[str, Tensor] = field(default_factory=dict)
    has_reference: Tensor | None = None
    has_checker: Tensor | None = None


@dataclass(frozen=True)
class QueryFile:
    """What a file of queries held.

    Attributes:
        problems: those that can be used, in the order of the file.
        skipped: a sentence for each that was left out.
        notes: sentences for the user, printed on standard error ("3 of 50 have several solutions; …").
    """

    problems: Any
    skipped: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def remarks(self) -> tuple[str, ...]:
        """What a user should know about the file: what was left out, then the notes."""
        return (*(f"skipped: {line}" for line in self.skipped), *self.notes)


class Task(ABC):
    """Tokens in and out, and the question whether an answer is correct.

    A task of one's own is one class that derives from this one; `docs/extending.md` has an example. Clean tokens are
    0..K − 1, the mask id is K.

    Attributes:
        name: of the task, for tables and files.
        length: L, tokens of a sequence.
        vocabulary: K, the number of clean tokens.
        headline: which figure decides whether an answer is correct: `exact`, `valid`, or a `score` of 1.
        noun: what one problem is called in help texts and the report.
        difficulties: the measures that `difficulty` gives, the chief one first.
        columns: the further figures of answers that `verify` gives.
    """

    name: str
    length: int
    vocabulary: int
    headline: Headline = "valid"
    noun: str = "query"
    difficulties: tuple[Difficulty, ...] = ()
    columns: tuple[AnswerMeasure, ...] = ()

    @property
    def positions(self) -> Tensor:
        """Coordinates of every token for the denoiser, int64 [L, P]; by default its place in reading order."""
        return torch.arange(self.length)[:, None]

    @property
    def layout(self) -> Layout:
        """How sequences are drawn; by default as text whose tokens have no symbols."""
        return TextLayout()

    @property
    def editor(self) -> Editor | None:
        """How `adaptive-diffusion edit` changes a file of this task; None where files are not edited.

        A task whose files show each position as one character takes the ready one:
        `SymbolEditor(symbols="0123456789", length=self.length)`.
        """
        return None

    @abstractmethod
    def queries(self, problems: Any) -> Queries:
        """N problems as queries, numbered from 0 in order."""

    @abstractmethod
    def verify(self, answers: Tensor, problems: Any) -> Correctness:
        """Which answers [R, L] are correct; row r is an answer to problem r. A token outside 0..K − 1 is possible."""

    @abstractmethod
    def difficulty(self, problems: Any) -> dict[str, Tensor]:
        """How hard N problems are, [N] for each name of `difficulties`."""

    @abstractmethod
    def read(self, path: Path, skip_bad: bool) -> QueryFile:
        """The problems of a file.

        Raises:
            ValueError: a file that holds none, or, unless `skip_bad`, one that cannot be read in full.
        """

    @abstractmethod
    def decode(self, tokens: Tensor) -> str:
        """A sequence of tokens [L] for people to read."""

    def targets(self, problems: Any) -> Tensor | None:
        """Right answers to train on, int64 [N, L]; None where none are known. Such a task is sampled, not trained."""
        return None

    def picture(self, tokens: Tensor) -> str | None:
        """An SVG document that shows a sequence [L] in another way than its tokens do, for a page; None where there is
        nothing more to see. A token outside 0..K − 1 is a position left open. Pages show it as an image, so that
        nothing in it runs."""
        return None

    def violation(self, answer: Sequence[int]) -> str | None:
        """Which rule of the task an answer [L] breaks by itself, in words for people, such as "row 2 has the digit 3
        twice"; None where it breaks none, or where there is nothing to say. `verify` alone decides what is valid."""
        return None

    @final
    def grades(self, answers: Tensor, problems: Any) -> dict[str, Tensor]:
        """All figures of R answers, float32 [R] each: `correct`, `exact`, `valid`, `score`, then those of `columns`.

        `correct` is the headline. Where nothing can decide (no reference, no checker) a figure is NaN. An answer with a
        position left open is never exact, valid or correct, and its score is 0.

        Raises:
            ValueError: scores outside 0..1, or other columns than the task names.
        """
        found = self.verify(answers, problems)
        shapes = {name: list(figure.shape) for name, figure in (("exact", found.exact), ("valid", found.valid))}
        for name, shape in shapes.items():
            if shape != [len(answers)]:
                raise ValueError(
                    f"{self.name}: verify(answers, problems).{name} has the shape {shape} for {len(answers)} answers; "
                    f"it must be [{len(answers)}]"
                )
        filled = ((answers >= 0) & (answers < self.vocabulary)).all(1)
        exact = _figure(found.exact & filled, found.has_reference)
        valid = _figure(found.valid & filled, found.has_checker)
        names = {column.name for column in self.columns}
        if found.columns.keys() != names:
            raise ValueError(f"{self.name} has columns {sorted(names)}, but verify gave {sorted(found.columns)}")
        if found.score is None:
            if self.headline == "score":
                raise ValueError(f"{self.name} has the headline score, but verify gave no score")
            score = exact if self.headline == "exact" else valid
        else:
            score = _figure(torch.where(filled, found.score, 0.0), found.has_checker)
            if ((score < 0) | (score > 1)).any():
                low, high = float(score.min()), float(score.max())
                raise ValueError(f"{self.name} gave scores from {low:g} to {high:g}; a score lies in 0..1")
        correct = {"exact": exact, "valid": valid, "score": (score >= 1).float().where(~score.isnan(), torch.nan)}
        columns = {column.name: found.columns[column.name].float() for column in self.columns}
        return {"correct": correct[self.headline], "exact": exact, "valid": valid, "score": score, **columns}

    @final
    def correct(self, answers: Tensor, problems: Any) -> Tensor:
        """bool [R]: which answers are correct by the task's headline; False where nothing can decide."""
        return self.grades(answers, problems)["correct"] == 1

    @final
    def score(self, answers: Tensor, problems: Any) -> Tensor:
        """float32 [R] in 0..1: the score for a task whose headline it is, else 1 for a correct answer and 0 for
        another one; 0 where nothing can decide."""
        return self.grades(answers, problems)["score" if self.headline == "score" else "correct"].nan_to_num(0.0)


def _figure(values: Tensor, known: Tensor | None) -> Tensor:
    figures = values.float()
    return figures if known is None else figures.where(known.to(figures.device), torch.nan)
