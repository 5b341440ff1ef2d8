"""Figures of a set of molecules, as MOSES has them (Polykovskiy et al. 2020, arXiv 1811.12823).

Strings that are no molecules count against validity only; all other figures are of the valid ones.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property, lru_cache
from importlib.util import find_spec
from math import nan, sqrt
from typing import Any

import numpy as np

from adaptive_diffusion.tasks.molecules.chemistry import canonical, chem, molecule
from adaptive_diffusion.tasks.molecules.moses_filters import MosesFilters

RADIUS, BITS = 2, 1024
"""Of Morgan fingerprints."""
MOST = 2000
"""Molecules whose similarities are compared in pairs."""
FCD_MISSING = "FCD is not measured, because fcd-torch is missing: pip install 'adaptive-diffusion[molecules]'"


@dataclass(frozen=True)
class Reference:
    """Held-out molecules that sets are compared with; what is computed of them is computed once.

    Attributes:
        strings: their canonical forms.
    """

    strings: Sequence[str]

    @cached_property
    def scaffolds(self) -> Counter[str]:
        """How often each scaffold occurs that has two rings or more."""
        return scaffolds(self.strings)

    @cached_property
    def scaffolds_of_any_ring(self) -> Counter[str]:
        """How often each scaffold occurs, those of a single ring included."""
        return scaffolds(self.strings, least_rings=1)

    @cached_property
    def fragments(self) -> Counter[str]:
        """How often each fragment occurs."""
        return fragments(self.strings)

    @cached_property
    def fingerprints(self) -> np.ndarray:
        """float32 [min(N, MOST), BITS]."""
        return fingerprints(self.strings[:MOST])

    @cached_property
    def activations(self) -> Mapping[str, Any] | None:
        """Mean and covariance of ChemNet's activations; None for fewer than two molecules or without `fcd-torch`."""
        return chemnet(self.strings)


def summary(
    generated: Sequence[str],
    training: Collection[str],
    reference: Reference,
    unique_at: Sequence[int] = (1000, 10_000),
    filters: MosesFilters | None = None,
) -> dict[str, Any]:
    """All figures of generated strings. A string whose canonical form rdkit cannot read back is no molecule here.

    Args:
        generated: N strings, molecules or not.
        training: canonical strings that the model was trained on.
        reference: held-out molecules.
        unique_at: k of unique@k; those above the number of valid strings are left out.
        filters: of MOSES, which give the figure `filters`; None leaves it out.
    """
    forms = [canonical(smiles) or "" for smiles in generated]
    found = [molecule(form) for form in forms]
    valid = [form for form, read in zip(forms, found, strict=True) if read is not None]
    atoms = [read.GetNumHeavyAtoms() for read in found if read is not None]
    known = frozenset(training)
    return {
        "strings": len(generated),
        "valid": len(valid) / len(generated) if generated else nan,
        "unique": uniqueness(valid),
        **{f"unique@{k}": uniqueness(valid, k) for k in unique_at if k <= len(valid)},
        "novel": novelty(valid, known),
        "mean_atoms": float(np.mean(atoms)) if atoms else nan,
        "internal_diversity": internal_diversity(valid),
        "qed": mean_qed(valid),
        "pains_free": share_without_pains(valid),
        **({} if filters is None else {"filters": filters.share(valid)}),
        "nearest_neighbour_similarity": nearest_neighbour_similarity(valid, reference),
        "scaffold_similarity": cosine(scaffolds(valid), reference.scaffolds),
        "scaffold_similarity_any_ring": cosine(scaffolds(valid, least_rings=1), reference.scaffolds_of_any_ring),
        "fragment_similarity": cosine(fragments(valid), reference.fragments),
        "fcd": frechet_distance(valid, reference),
    }


def uniqueness(valid: Sequence[str], k: int | None = None) -> float:
    """The share of different strings among the first k canonical ones; NaN where there are none."""
    taken = valid[:k]
    return len(set(taken)) / len(taken) if taken else nan


def novelty(valid: Iterable[str], training: Collection[str]) -> float:
    """The share of the different molecules that are not in the training set."""
    different = set(valid)
    return sum(form not in training for form in different) / len(different) if different else nan


def internal_diversity(valid: Sequence[str]) -> float:
    """1 − the mean Tanimoto similarity of two molecules, each to itself included, over the first `MOST` of them."""
    if not valid:
        return nan
    prints = fingerprints(valid[:MOST])
    return float(1 - tanimoto(prints, prints).mean())


def nearest_neighbour_similarity(valid: Sequence[str], reference: Reference) -> float:
    """The mean Tanimoto similarity of a molecule to its nearest one of the reference, over the first `MOST` of both."""
    if not valid or not reference.strings:
        return nan
    return float(tanimoto(fingerprints(valid[:MOST]), reference.fingerprints).max(1).mean())


def fingerprints(forms: Iterable[str]) -> np.ndarray:
    """float32 [N, BITS] of zeros and ones: Morgan fingerprints of radius 2."""
    chem()
    from rdkit.Chem import rdFingerprintGenerator  # pyright: ignore[reportMissingImports]

    make = rdFingerprintGenerator.GetMorganGenerator(radius=RADIUS, fpSize=BITS)
    return np.array([make.GetFingerprintAsNumPy(molecule(form)) for form in forms], np.float32)


def tanimoto(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """float32 [N, M]: |a ∧ b| / |a ∨ b| of fingerprints [N, BITS] and [M, BITS]; 0 where both are empty."""
    both = one @ other.T
    either = one.sum(1)[:, None] + other.sum(1) - both
    return both / np.maximum(either, 1)


def mean_qed(valid: Sequence[str]) -> float:
    """The mean quantitative estimate of drug-likeness (Bickerton et al. 2012), 0 to 1."""
    chem()
    from rdkit.Chem import QED  # pyright: ignore[reportMissingImports]

    return float(np.mean([QED.qed(molecule(form)) for form in valid])) if valid else nan


def share_without_pains(valid: Sequence[str]) -> float:
    """The share of molecules without a PAINS alert, by the catalogue of rdkit, which needs no package of MOSES. The
    filters of MOSES (`MosesFilters`) have further rules."""
    chem()
    from rdkit.Chem import FilterCatalog  # pyright: ignore[reportMissingImports]

    chosen = FilterCatalog.FilterCatalogParams()
    chosen.AddCatalog(FilterCatalog.FilterCatalogParams.FilterCatalogs.PAINS)
    alerts = FilterCatalog.FilterCatalog(chosen)
    return float(np.mean([not alerts.HasMatch(molecule(form)) for form in valid])) if valid else nan


def scaffolds(forms: Iterable[str], least_rings: int = 2) -> Counter[str]:
    """How often each Bemis–Murcko scaffold occurs that has at least so many rings; MOSES counts those from two on."""
    found = map(scaffold_and_rings, forms)
    return Counter(scaffold for scaffold, rings in found if rings >= least_rings)


@lru_cache(1 << 16)  # sets are counted by two numbers of rings
def scaffold_and_rings(form: str) -> tuple[str, int]:
    """The Bemis–Murcko scaffold of a molecule, empty without a ring, and how many rings it has."""
    chem()
    from rdkit.Chem.Scaffolds import MurckoScaffold  # pyright: ignore[reportMissingImports]

    found = MurckoScaffold.GetScaffoldForMol(molecule(form))
    return chem().MolToSmiles(found), found.GetRingInfo().NumRings()


def fragments(forms: Iterable[str]) -> Counter[str]:
    """How often each BRICS fragment occurs."""
    chem()
    from rdkit.Chem import BRICS  # pyright: ignore[reportMissingImports]

    def of(form: str) -> list[str]:
        return chem().MolToSmiles(BRICS.BreakBRICSBonds(molecule(form))).split(".")

    return Counter(fragment for form in forms for fragment in of(form))


def cosine(one: Mapping[str, int], other: Mapping[str, int]) -> float:
    """Σ a·b / (|a|·|b|) of two counts; NaN where one is empty."""
    if not one or not other:
        return nan
    product = sum(count * other[name] for name, count in one.items() if name in other)
    return product / sqrt(sum(count**2 for count in one.values()) * sum(count**2 for count in other.values()))


def frechet_distance(valid: Sequence[str], reference: Reference) -> float:
    """The Fréchet ChemNet distance (Preuer et al. 2018, arXiv 1803.09518) by `fcd-torch`; NaN for fewer than two
    molecules, and where the package is missing (`FCD_MISSING` is the sentence for a reader)."""
    ours, theirs = chemnet(valid), reference.activations
    if ours is None or theirs is None:
        return nan
    return float(_fcd().metric(theirs, ours))


def chemnet(forms: Sequence[str]) -> Mapping[str, Any] | None:
    """Mean `mu` [512] and covariance `sigma` [512, 512] of ChemNet's activations; None for fewer than two molecules,
    and without `fcd-torch`."""
    if len(forms) < 2 or find_spec("fcd_torch") is None:
        return None
    return _fcd().precalc(list(forms))


@cache
def _fcd() -> Any:
    from fcd_torch import FCD  # pyright: ignore[reportMissingImports]

    return FCD(device="cpu", n_jobs=1, canonize=False)
