"""Molecules as a task: strings of tokens, correct where rdkit accepts them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import torch
from torch import Tensor

from adaptive_diffusion.core.layout import TextLayout
from adaptive_diffusion.core.measures import AnswerMeasure, Difficulty
from adaptive_diffusion.core.query import Queries
from adaptive_diffusion.tasks.molecules.chemistry import molecule, violation
from adaptive_diffusion.tasks.molecules.drawing import OPEN, picture
from adaptive_diffusion.tasks.molecules.editor import MoleculeEditor
from adaptive_diffusion.tasks.molecules.framing import EndToken, Framing
from adaptive_diffusion.tasks.molecules.problems import MoleculeProblems
from adaptive_diffusion.tasks.molecules.readers import read_molecules
from adaptive_diffusion.tasks.molecules.tokenizer import SmilesTokenizer, SymbolTokenizer
from adaptive_diffusion.tasks.task import Correctness, QueryFile, Task


def no_lengths(line: int, least: int) -> int:
    """Where no corpus gives lengths."""
    raise ValueError("no lengths of molecules are known here; give the number of tokens, such as <|15|>")


@dataclass(frozen=True)
class MoleculeTask(Task):
    """SMILES strings in sequences of `length` tokens. An answer is valid where rdkit accepts the string, what was given
    is unchanged, and it has the length that was given.

    Attributes:
        length: L, positions of a sequence.
        tokenizer: strings to tokens.
        framing: whether the length is given or an end token is predicted.
        drawn_length: the length for a line of a file of queries, at least so many tokens, where one has to be given.
    """

    length: int
    tokenizer: SymbolTokenizer = field(default_factory=SmilesTokenizer)
    framing: Framing = field(default_factory=EndToken)
    drawn_length: Callable[[int, int], int] = field(default=no_lengths, compare=False)
    name = "molecules"
    headline = "valid"
    noun = "molecule"
    difficulties = (Difficulty("open", "open tokens"), Difficulty("given", "tokens that are given"))
    columns = (AnswerMeasure("atoms", "heavy atoms", decimals=1),)

    @property
    def vocabulary(self) -> int:
        return self.tokenizer.size

    @property
    def layout(self) -> TextLayout:
        """The string; ends show nothing."""
        return TextLayout((*self.tokenizer.alphabet, ""))

    @property
    def editor(self) -> MoleculeEditor:
        """Spans of a string are edited."""
        return MoleculeEditor(self.tokenizer, self.length, self.framing.room(self.length))

    def queries(self, problems: MoleculeProblems) -> Queries:
        return Queries.of(problems.tokens.where(~problems.editable, self.vocabulary), problems.editable)

    def targets(self, problems: MoleculeProblems) -> Tensor | None:
        return problems.tokens if problems.known.all() else None

    def smiles(self, tokens: Tensor) -> str:
        """The string of a sequence [L]: what stands before its first end. A position left open shows as a point, which
        is no SMILES."""
        written = []
        for token in tokens.tolist():
            if token == self.tokenizer.end:
                break
            written.append(self.tokenizer.alphabet[token] if 0 <= token < self.tokenizer.end else OPEN)
        return "".join(written)

    def verify(self, answers: Tensor, problems: MoleculeProblems) -> Correctness:
        """Exact: the reference, where a part of it was given. Valid: a molecule with what was given. Atoms: the heavy
        atoms of a molecule, NaN where there is none."""
        own = problems.to(answers.device)
        molecules = [molecule(self.smiles(row)) for row in answers]
        atoms = torch.tensor([torch.nan if one is None else one.GetNumHeavyAtoms() for one in molecules])
        given = ((answers == own.tokens) | own.editable).all(1)
        holds = self.framing.length_holds(answers, own.inside, self.tokenizer.end)
        partly = (own.inside & ~own.editable).any(1)
        return Correctness(
            exact=(answers == own.tokens).all(1) & own.known,
            valid=~atoms.isnan().to(answers.device) & given & holds,
            columns={"atoms": atoms.to(answers.device)},
            has_reference=own.known & partly,
        )

    def difficulty(self, problems: MoleculeProblems) -> dict[str, Tensor]:
        """How many tokens are open, and how many of the string are given."""
        given = (problems.inside & ~problems.editable).sum(1)
        return {"open": problems.editable.sum(1), "given": given}

    def read(self, path: Path, skip_bad: bool) -> QueryFile:
        return read_molecules(path, self.tokenizer, self.framing, self.length, self.drawn_length, skip_bad)

    def decode(self, tokens: Tensor) -> str:
        """The string up to its end."""
        return self.smiles(tokens)

    def violation(self, answer: Sequence[int]) -> str | None:
        return violation(self.smiles(torch.tensor(answer)))

    def picture(self, tokens: Tensor) -> str:
        """The structure; open positions are wildcard atoms as far as that can be read, and a finished string that is no
        molecule is red."""
        return picture(self.smiles(tokens), finished=bool(((tokens >= 0) & (tokens < self.vocabulary)).all()))
