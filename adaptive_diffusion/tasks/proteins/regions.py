"""The regions of an antibody's variable domain in IMGT numbering (Lefranc et al. 2003, Dev. Comp. Immunol. 27:55).

Where `anarcism` is installed (the extra `proteins`) it numbers a sequence by ANARCI's profiles. Without it, or where it
recognises nothing, regions are counted from conserved residues: the cysteines at 23 and 104, the tryptophan at 41 and
the motif [WF]GxG at 118. That rule is wrong where these residues are mutated or framework regions have gaps.
"""

import re
from importlib.util import find_spec
from itertools import pairwise

NAMES = ("fr1", "cdr1", "fr2", "cdr2", "fr3", "cdr3", "fr4")
_ANCHORS = re.compile(r"C(?P<one>.{10,17})W(?P<rest>.{40,80}?Y[YFHC]C)(?P<loop>.{1,35}?)(?P<end>[WF]G.G)")
_FR2, _HEAVY, _LIGHT = 14, 38, 36  # residues between 41 and 56; from 66 up to 104, gaps at 73, 81 and 82 left out


def regions(sequence: str) -> dict[str, tuple[int, int]]:
    """Name → first position and the one after the last, from 0; empty where no variable domain is recognised."""
    return numbered(sequence) or anchored(sequence)


def numbered(sequence: str) -> dict[str, tuple[int, int]]:
    """The regions by the numbering of `anarcism`; empty without it."""
    if find_spec("anarcism") is None:
        return {}
    import anarcism  # pyright: ignore[reportMissingImports]

    try:
        domains = anarcism.number_sequence(sequence).domains
    except anarcism.AnarcismError:
        return {}
    found: dict[str, tuple[int, int]] = {}
    for residue in domains[0].numbering if domains else ():
        name, at = residue.region.lower(), residue.sequence_index
        found[name] = (found.get(name, (at, at))[0], at + 1)
    return found


def anchored(sequence: str) -> dict[str, tuple[int, int]]:
    """The regions counted from conserved residues."""
    found = _ANCHORS.search(sequence)
    if found is None:
        return {}
    first, fold, second = found.start(), found.end("one"), found.end("rest") - 1
    after = _HEAVY if sequence[found.start("end")] == "W" else _LIGHT
    third, last = second + 1, found.start("end")
    bounds = [0, first + 4, fold - 2, fold + 1 + _FR2, third - after, third, last, len(sequence)]
    pairs = list(pairwise(bounds))
    return dict(zip(NAMES, pairs, strict=True)) if all(one <= other for one, other in pairs) else {}
