"""Protein sequences: residues that are open are written, residues that stand are repaired."""

from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from adaptive_diffusion.core.layout import TextLayout
from adaptive_diffusion.core.measures import AnswerMeasure, Difficulty
from adaptive_diffusion.core.query import Queries
from adaptive_diffusion.tasks.editing import SymbolEditor
from adaptive_diffusion.tasks.proteins.alphabet import PADDING, RESIDUES, VOCABULARY, decode
from adaptive_diffusion.tasks.proteins.fasta import read_queries
from adaptive_diffusion.tasks.proteins.problems import ProteinProblems
from adaptive_diffusion.tasks.task import Correctness, QueryFile, Task


@dataclass(frozen=True)
class ProteinTask(Task):
    """Sequences of at most `length` residues. The score is the *recovery*: the share of editable residues that are
    those of the sequence to be found.

    Many sequences are possible, so an answer with another residue need not be bad; `exact` counts full recovery.

    Attributes:
        length: L, the longest sequence.
    """

    length: int = 144
    name = "proteins"
    vocabulary = VOCABULARY
    headline = "score"
    noun = "sequence"
    difficulties = (
        Difficulty("residues", "residues to be written or looked at"),
        Difficulty("loop", "of them in the third complementarity-determining region"),
    )
    columns = (
        AnswerMeasure("corrected", "replaced residues corrected", percent=True, decimals=1),
        AnswerMeasure("broken", "right residues broken", percent=True, decimals=1),
        AnswerMeasure("loop_recovery", "recovery in CDR3", percent=True, decimals=1),
    )

    @property
    def layout(self) -> TextLayout:
        """One letter a residue; the padding shows nothing."""
        return TextLayout((*RESIDUES, ""))

    @property
    def editor(self) -> SymbolEditor:
        """Files of a sequence of full length."""
        return SymbolEditor(RESIDUES, self.length, blanks="_.")

    def queries(self, problems: ProteinProblems) -> Queries:
        made = Queries.of(problems.tokens.where(~problems.editable | problems.drafted, VOCABULARY), problems.editable)
        return Queries(made.ids, made.tokens, made.editable, problems.drafted) if problems.drafted.any() else made

    def targets(self, problems: ProteinProblems) -> Tensor | None:
        return problems.clean if problems.known.all() else None

    def verify(self, answers: Tensor, problems: ProteinProblems) -> Correctness:
        """Exact: the sequence to be found. Valid: residues wherever there are any, and what was given as it was.
        Corrected: of the residues that were replaced, the share that are right. Broken: of those that were right, the
        share that are not. Each is NaN where there are no such residues, and without a known sequence."""
        own = problems.to(answers.device)
        right = answers == own.clean
        inside = own.clean != PADDING
        residues = (answers < PADDING) == inside
        given = (answers == own.tokens) | own.editable
        wrong = own.drafted & (own.tokens != own.clean)
        shares = {
            "corrected": _share(right, wrong),
            "broken": _share(~right, own.drafted & (own.tokens == own.clean)),
            "loop_recovery": _share(right, own.editable & own.loop),
        }
        return Correctness(
            exact=right.all(1) & own.known,
            valid=(residues & given).all(1),
            score=_share(right, own.editable).nan_to_num(0.0),
            columns={name: values.where(own.known, torch.nan) for name, values in shares.items()},
            has_reference=own.known,
            has_checker=own.known,
        )

    def difficulty(self, problems: ProteinProblems) -> dict[str, Tensor]:
        """How many residues are editable, and how many of them lie in the third loop."""
        return {"residues": problems.editable.sum(1), "loop": (problems.editable & problems.loop).sum(1)}

    def read(self, path: Path, skip_bad: bool) -> QueryFile:
        return read_queries(path, self.length, skip_bad)

    def decode(self, tokens: Tensor) -> str:
        """The residues, one letter each."""
        return decode(tokens.tolist())


def _share(good: Tensor, among: Tensor) -> Tensor:
    """float32 [R], the share of `among` [R, L] that is good; NaN where there is nothing among."""
    return (good & among).sum(1) / among.sum(1).where(among.any(1), torch.nan)
