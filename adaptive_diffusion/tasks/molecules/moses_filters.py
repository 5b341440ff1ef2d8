"""The filters of MOSES (Polykovskiy et al. 2020, arXiv 1811.12823): patterns of medicinal chemistry (MCF) and of PAINS,
read from the package `molsets` when they are used, and the rules of its authors."""

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from math import nan
from typing import Any

import numpy as np

from adaptive_diffusion.tasks.molecules.chemistry import chem, molecule
from adaptive_diffusion.tasks.molecules.packages import column, package_file

LARGEST_RING = 7
ATOMS = frozenset({"C", "N", "S", "O", "F", "Cl", "Br", "H"})


@dataclass(frozen=True)
class MosesFilters:
    """Refuses molecules with a ring of more than seven atoms, a charged atom, an element outside `ATOMS`, or a pattern
    of MCF or PAINS, hydrogens included.

    Attributes:
        wheel: a file that `pip download --no-deps molsets` gave; None: the package is installed.

    Raises:
        ModuleNotFoundError: neither is there.
        ValueError: the package lacks a file, or holds a pattern that rdkit cannot read.
    """

    wheel: str | None = None

    @cached_property
    def patterns(self) -> tuple[Any, ...]:
        """MCF and PAINS as molecules of rdkit."""
        with package_file("molsets", "moses/metrics/mcf.csv", self.wheel) as file:
            smarts = [*column(file, "smarts")]
        with package_file("molsets", "moses/metrics/wehi_pains.csv", self.wheel) as file:  # it has no header
            smarts += [row[0] for row in csv.reader(io.TextIOWrapper(file, "utf-8", newline="")) if row]
        read = {text.strip(): chem().MolFromSmarts(text.strip()) for text in smarts}
        if unread := [text for text, pattern in read.items() if pattern is None]:
            raise ValueError(
                f"{self.wheel or 'molsets'}: rdkit cannot read the pattern {unread[0]!r}; use version 0.3.1"
            )
        return tuple(read.values())

    def passes(self, smiles: str) -> bool:
        """Whether a string is a molecule that no filter refuses."""
        found = molecule(smiles)
        if found is None or any(len(ring) > LARGEST_RING for ring in found.GetRingInfo().AtomRings()):
            return False
        if any(atom.GetFormalCharge() or atom.GetSymbol() not in ATOMS for atom in found.GetAtoms()):
            return False
        complete = chem().AddHs(found)
        if any(complete.HasSubstructMatch(pattern) for pattern in self.patterns):
            return False
        return molecule(chem().MolToSmiles(found, isomericSmiles=False)) is not None

    def share(self, valid: Sequence[str]) -> float:
        """The share of molecules that pass, `Filters` of MOSES; NaN where there are none."""
        return float(np.mean([self.passes(smiles) for smiles in valid])) if valid else nan
