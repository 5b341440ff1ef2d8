"""What rdkit is needed for: which strings are molecules, their canonical form, and why a string is not one."""

from collections import Counter
from functools import cache
from importlib.metadata import version
from types import ModuleType
from typing import Any

from adaptive_diffusion.tasks.molecules.tokenizer import is_atom, pieces

ERRORS = ("empty", "parenthesis", "ring closure", "syntax", "valence", "kekulisation", "other")
"""Why a string is no molecule, in the order in which the reasons are looked for."""

_KINDS = {
    "AtomValenceException": "valence",
    "KekulizeException": "kekulisation",
    "AtomKekulizeException": "kekulisation",
}


@cache
def chem() -> ModuleType:
    """`rdkit.Chem`, with its messages switched off: strings of a half-trained model give thousands of them.

    Raises:
        ModuleNotFoundError: the extra is not installed.
    """
    try:
        from rdkit import Chem, RDLogger  # pyright: ignore[reportMissingImports]
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError("molecules need rdkit: pip install 'adaptive-diffusion[molecules]'") from error
    RDLogger.DisableLog("rdApp.*")  # pyright: ignore[reportAttributeAccessIssue]
    return Chem


def rdkit_version() -> str:
    """The version of rdkit, which canonical forms depend on."""
    chem()
    return version("rdkit")


def molecule(smiles: str) -> Any | None:
    """The sanitised molecule of a string; None for an empty string and where rdkit refuses it."""
    return chem().MolFromSmiles(smiles) if smiles else None


def canonical(smiles: str) -> str | None:
    """The canonical string; None for a string that is no molecule."""
    found = molecule(smiles)
    return None if found is None else chem().MolToSmiles(found)


def error_of(smiles: str) -> str | None:
    """Why a string is no molecule, one of `ERRORS`; None for a valid one.

    Parentheses and ring closures are counted here, because rdkit reports both as a failed parse; valence and
    kekulisation are the problems that rdkit detects in what it can parse.
    """
    if not smiles:
        return "empty"
    if molecule(smiles) is not None:
        return None
    if not balanced(smiles):
        return "parenthesis"
    if open_rings(smiles):
        return "ring closure"
    parsed = chem().MolFromSmiles(smiles, sanitize=False)
    if parsed is None:
        return "syntax"
    problems = chem().DetectChemistryProblems(parsed)
    return _KINDS.get(problems[0].GetType(), "other") if problems else "other"


def violation(smiles: str) -> str | None:
    """The rule that a string breaks, in words; None for a valid one, and where rdkit is not installed: strings can be
    edited without it."""
    try:
        error = error_of(smiles)
    except ModuleNotFoundError:
        return None
    match error:
        case None:
            return None
        case "empty":
            return "the string is empty"
        case "parenthesis":
            return "a parenthesis has no partner"
        case "ring closure":
            return f"the ring closure {open_rings(smiles)[0]} has no partner"
        case "valence":
            token = wrong_tokens(smiles)[0]
            return f"the atom {pieces(smiles)[token]} at token {token + 1} has too many bonds"
        case "kekulisation":
            return "an aromatic ring has no alternating double bonds"
    return "rdkit cannot read it as a molecule"


def balanced(smiles: str) -> bool:
    """Whether every branch that opens is closed, in order."""
    depth = 0
    for piece in pieces(smiles):
        depth += (piece == "(") - (piece == ")")
        if depth < 0:
            return False
    return depth == 0


def open_rings(smiles: str) -> list[str]:
    """The ring closures that have no partner, in order."""
    counts = Counter(piece for piece in pieces(smiles) if piece.isdecimal() or piece.startswith("%"))
    return sorted(ring for ring, count in counts.items() if count % 2)


def wrong_tokens(smiles: str) -> list[int]:
    """The pieces of a string (`tokenizer.pieces`) at which the reason lies, from 0 on: parentheses and ring closures
    without a partner, atoms with too many bonds, atoms of rings that cannot be kekulised. Empty for a valid string and
    where the syntax is wrong in another way."""
    cut = pieces(smiles)
    match error_of(smiles):
        case "parenthesis":
            return _unpaired_parentheses(cut)
        case "ring closure":
            last = {piece: place for place, piece in enumerate(cut)}
            return sorted(last[ring] for ring in open_rings(smiles))
        case "valence" | "kekulisation":
            atoms = [place for place, piece in enumerate(cut) if is_atom(piece)]
            problem = chem().DetectChemistryProblems(chem().MolFromSmiles(smiles, sanitize=False))[0]
            several = problem.GetType() == "KekulizeException"
            return [atoms[atom] for atom in (problem.GetAtomIndices() if several else (problem.GetAtomIdx(),))]
    return []


def _unpaired_parentheses(cut: list[str]) -> list[int]:
    opened, unpaired = [], []
    for place, piece in enumerate(cut):
        if piece == "(":
            opened.append(place)
        elif piece == ")":
            if opened:
                opened.pop()
            else:
                unpaired.append(place)
    return sorted(opened + unpaired)
