"""Problems to train on of every task of the package, small enough for a test."""

import json

import numpy as np
import pytest

from adaptive_diffusion.tasks.colouring import ColouringData
from adaptive_diffusion.tasks.countdown import CountdownData
from adaptive_diffusion.tasks.maze import MazeData
from adaptive_diffusion.tasks.molecules import LengthGiven, MoleculeData, NewMolecules, SmilesFile
from adaptive_diffusion.tasks.prompts import PromptData
from adaptive_diffusion.tasks.proteins import ProteinData
from adaptive_diffusion.tasks.satisfiability import SatisfiabilityData
from adaptive_diffusion.tasks.sudoku import SudokuDataModule, SudokuFileData
from adaptive_diffusion.tasks.sudoku.generator import generate
from adaptive_diffusion.tasks.sudoku.geometry import geometry
from adaptive_diffusion.tasks.text import TextDataModule
from adaptive_diffusion.tasks.text.packaged_problems import PackagedProblems

TEXT = "".join(f"line number {number} of a text\n" for number in range(400))
DATA = {
    ColouringData: lambda folder: ColouringData(nodes=12, batch_size=4),
    CountdownData: lambda folder: CountdownData(numbers=3, held_out_problems=2, batch_size=8),
    MazeData: lambda folder: MazeData(5, 5, batch_size=8),
    MoleculeData: lambda folder: MoleculeData(molecules(folder), 16, framing=LengthGiven(), batch_size=8),
    PromptData: lambda folder: PromptData(str(prompts(folder)), length=16, answer_length=8, batch_size=8),
    ProteinData: lambda folder: ProteinData(str(proteins(folder)), ["IGHV2"], ["IGHV4"], length=24, batch_size=4),
    SatisfiabilityData: lambda folder: SatisfiabilityData(held_out_problems=2, batch_size=4),
    SudokuDataModule: lambda folder: SudokuDataModule(6, batch_size=8),
    SudokuFileData: lambda folder: SudokuFileData(6, str(puzzles(folder)), batch_size=8),
    TextDataModule: lambda folder: TextDataModule(32, str(text(folder)), batch_size=8),
}

WITHOUT_TRAINING = {
    NewMolecules: lambda: NewMolecules([0, 1, 2]),
    PackagedProblems: lambda: PackagedProblems("models_to_try/text/problems.jsonl"),
}


def molecules(folder):
    pytest.importorskip("rdkit", reason="needs the extra molecules")
    (folder / "chains.smi").write_text("\n".join("C" * size + end for size in range(1, 14) for end in "CNOFS"))
    return SmilesFile(str(folder / "chains.smi"))


def proteins(folder):
    letters = np.random.default_rng(0).choice(list("ACDEFGHIKLMNPQRSTVWY"), (60, 20))
    lines = [f">h{row} v=IGHV{1 + row % 4}-1*01\n{''.join(chain)}" for row, chain in enumerate(letters)]
    (folder / "chains.fasta").write_text("\n".join(lines))
    return folder / "chains.fasta"


def prompts(folder):
    rows = [json.dumps({"prompt": f"{number}?", "answer": str(number + 1)}) for number in range(300)]
    (folder / "rows.jsonl").write_text("\n".join(rows))
    return folder / "rows.jsonl"


def puzzles(folder):
    lines = ["".join(map(str, puzzle)) for puzzle in generate(geometry(6), 200).puzzles]
    (folder / "puzzles.txt").write_text("\n".join(lines))
    return folder / "puzzles.txt"


def text(folder):
    (folder / "text.txt").write_text(TEXT)
    return folder / "text.txt"
