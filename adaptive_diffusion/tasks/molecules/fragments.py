"""Parts of a molecule that are kept while the rest is written anew: its scaffold, or two fragments and no linker."""

import numpy as np

from adaptive_diffusion.tasks.molecules.chemistry import chem, molecule
from adaptive_diffusion.tasks.molecules.tokenizer import is_atom, pieces

LINKER = 3
"""Atoms that a linker has at most."""
FRAGMENT = 2
"""Heavy atoms that a fragment has at least."""


def scaffold(smiles: str) -> frozenset[int]:
    """The atoms of the scaffold, numbered as in the string: rings and what links them (Bemis and Murcko, J. Med. Chem.
    39, 1996). An atom that hangs on them by a double bond is not part, which rdkit's scaffold has. Empty without a
    ring."""
    found = molecule(smiles)
    if found is None:
        return frozenset()
    bonds = _bonds(found)
    kept = set(bonds)
    rings = set().union(*found.GetRingInfo().AtomRings())
    while ends := {atom for atom in kept - rings if len(bonds[atom] & kept) <= 1}:
        kept -= ends
    return frozenset(kept)


def linkers(smiles: str) -> list[tuple[frozenset[int], frozenset[int]]]:
    """Every pair of fragments that a chain of up to `LINKER` atoms outside rings joins: its atoms left out, these are
    the two largest of the parts. Of more than `FRAGMENT` - 1 heavy atoms each; in a fixed order, largest first."""
    found = molecule(smiles)
    if found is None:
        return []
    bonds, rings = _bonds(found), set().union(*found.GetRingInfo().AtomRings())
    chains = [(atom,) for atom in sorted(set(bonds) - rings)]
    paths = list(chains)
    for _ in range(LINKER - 1):
        chains = [(*chain, atom) for chain in chains for atom in sorted(bonds[chain[-1]] - rings - set(chain))]
        paths += [chain for chain in chains if chain[0] < chain[-1]]
    pairs = []
    for path in paths:
        parts = sorted(_parts(bonds, set(bonds) - set(path)), key=lambda part: (-len(part), min(part)))
        if len(parts) > 1 and len(parts[1]) >= FRAGMENT:
            pairs.append((parts[0], parts[1]))
    return sorted(dict.fromkeys(pairs), key=lambda pair: (-len(pair[0]) - len(pair[1]), sorted(pair[0])))


def kept_characters(smiles: str, atoms: frozenset[int]) -> np.ndarray:
    """bool [characters], what has to stay for `atoms` and the bonds between them to stay: the atoms, bonds and ring
    closures between two of them, and branches at one of them that hold another."""
    cut = pieces(smiles)
    atom_at = {place: atom for atom, place in enumerate(place for place, one in enumerate(cut) if is_atom(one))}
    kept = np.array([atom_at.get(place) in atoms for place in range(len(cut))])
    before, stack, rings, bond = -1, [], {}, -1  # places: the atom before, open branches, open rings, a bond symbol
    for place, piece in enumerate(cut):
        if place in atom_at:
            if bond >= 0:
                kept[bond] = before >= 0 and kept[before] and kept[place]
            before, bond = place, -1
        elif piece == "(":
            stack.append((place, before))
        elif piece == ")":
            opened, before = stack.pop()
            kept[[opened, place]] = kept[before] and kept[opened + 1 : place].any()
        elif piece.isdecimal() or piece.startswith("%"):
            if piece in rings:
                other, partner, symbol = rings.pop(piece)
                both = kept[before] and kept[partner]
                kept[[other, place, *([symbol] if symbol >= 0 else []), *([bond] if bond >= 0 else [])]] = both
            else:
                rings[piece] = place, before, bond
            bond = -1
        elif piece == ".":
            before = -1
        else:
            bond = place
    return np.repeat(kept, [len(piece) for piece in cut])


def kept_parts(smiles: str, kept: np.ndarray) -> list[frozenset[int]]:
    """The parts of a molecule that the kept characters leave connected, from bool [characters]; its atoms as in the
    string."""
    begins = np.cumsum([0, *(len(piece) for piece in pieces(smiles))])[:-1]
    places = [begin for begin, piece in zip(begins, pieces(smiles), strict=True) if is_atom(piece)]
    return _parts(_bonds(molecule(smiles)), {atom for atom, place in enumerate(places) if kept[place]})


def holds(smiles: str, original: str, parts: list[frozenset[int]]) -> bool:
    """Whether a molecule has parts of another one, each by itself, with their atoms, charges and bonds."""
    found, source = molecule(smiles), molecule(original)
    if found is None or source is None:
        return False
    fragments = [chem().MolFragmentToSmiles(source, sorted(part)) for part in parts]
    query = chem().MolFromSmiles(".".join(fragments), sanitize=False)
    if query is None:
        return False
    query.UpdatePropertyCache(strict=False)
    return found.HasSubstructMatch(query)


def _bonds(found) -> dict[int, set[int]]:
    return {atom.GetIdx(): {one.GetIdx() for one in atom.GetNeighbors()} for atom in found.GetAtoms()}


def _parts(bonds: dict[int, set[int]], atoms: set[int]) -> list[frozenset[int]]:
    """The connected parts of some atoms."""
    left, found = set(atoms), []
    while left:
        part, border = set(), {min(left)}
        while border:
            part |= border
            border = set().union(*(bonds[atom] for atom in border)) & left - part
        found.append(frozenset(part))
        left -= part
    return found
