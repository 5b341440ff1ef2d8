"""Why a string is no molecule, figures of sets of molecules, pictures."""

import re
from collections import Counter
from math import isnan, nan

import numpy as np
import pytest

pytest.importorskip("rdkit", reason="needs the extra molecules")

from adaptive_diffusion.tasks.molecules import measures
from adaptive_diffusion.tasks.molecules.chemistry import canonical, error_of, open_rings, wrong_tokens
from adaptive_diffusion.tasks.molecules.drawing import LETTER, LONGEST, SIZE, gallery, picture
from adaptive_diffusion.tasks.molecules.measures import Reference


@pytest.mark.parametrize(
    ("smiles", "error"),
    [
        ("CCO", None),
        ("c1ccccc1", None),
        ("", "empty"),
        ("CC(C", "parenthesis"),
        ("CC)C(", "parenthesis"),
        ("C1CC", "ring closure"),
        ("C1CC12", "ring closure"),
        ("C==C", "syntax"),
        ("CC(C)(C)(C)C", "valence"),
        ("FF(F)", "valence"),
        ("c1cccc1", "kekulisation"),
        ("cC", "kekulisation"),
    ],
)
def test_invalid_string_has_a_reason(smiles, error):
    assert error_of(smiles) == error


def test_ring_closure_without_partner_is_found():
    assert open_rings("C1CC2C1%10") == ["%10", "2"]


@pytest.mark.parametrize(
    ("smiles", "places"),
    [
        ("CCO", []),
        ("CC)C(", [2, 4]),
        ("CC(C(O)", [2]),
        ("C1CC12", [5]),
        ("C1CC1C1", [6]),
        ("ClC(C)(C)(C)C", [1]),
        ("Oc1cccc1", [1, 3, 4, 5, 6]),
        ("C==C", []),
    ],
)
def test_tokens_at_which_the_reason_lies(smiles, places):
    assert wrong_tokens(smiles) == places


def test_canonical_form_does_not_depend_on_the_order():
    assert canonical("OCC") == canonical("CCO") == "CCO"
    assert canonical("C1CC") is None


def test_uniqueness_and_novelty_of_small_sets():
    assert measures.uniqueness(["C", "C", "CC", "O"]) == 0.75
    assert measures.uniqueness(["C", "C", "CC", "O"], 2) == 0.5
    assert measures.novelty(["C", "C", "CC"], {"C"}) == 0.5
    assert isnan(measures.uniqueness([]))


def test_tanimoto_of_two_prints():
    one, other = np.array([[1, 1, 0, 0]]), np.array([[1, 0, 1, 0], [0, 0, 0, 0]])
    assert measures.tanimoto(one, other)[0] == pytest.approx([1 / 3, 0])


def test_set_of_one_molecule_has_no_diversity():
    assert measures.internal_diversity(["CCO", "CCO"]) == pytest.approx(0)
    assert 0 < measures.internal_diversity(["CCO", "c1ccccc1"]) <= 0.5  # pairs of a molecule with itself count


def test_nearest_neighbour_of_a_reference_molecule_is_itself():
    assert measures.nearest_neighbour_similarity(["CCO"], Reference(["CCO", "c1ccccc1"])) == pytest.approx(1)


def test_scaffolds_and_fragments_are_counted():
    toluene, phenol, tetralin = "Cc1ccccc1", "Oc1ccccc1", "Cc1ccc2c(c1)CCCC2"
    two_rings = Counter({"c1ccc2c(c1)CCCC2": 1})
    assert measures.scaffolds([toluene, phenol, tetralin, "CCO"]) == two_rings
    assert measures.scaffolds([toluene, phenol, tetralin, "CCO"], 1) == two_rings + Counter({"c1ccccc1": 2})
    assert sum(measures.fragments(["CCOC(=O)c1ccccc1"]).values()) > 1
    assert measures.cosine({"a": 1}, {"a": 2, "b": 0}) == pytest.approx(1)
    assert measures.cosine({"a": 1}, {"b": 1}) == 0


def test_summary_of_strings_of_which_one_is_no_molecule(monkeypatch):
    monkeypatch.setattr(measures, "frechet_distance", lambda valid, reference: nan)
    found = measures.summary(["CCO", "OCC", "CC(", "CCCN"], ["CCO"], Reference(["CCO", "CCN"]), unique_at=(2, 100))
    assert found["valid"] == 0.75
    assert found["unique"] == pytest.approx(2 / 3)
    assert found["unique@2"] == 0.5
    assert "unique@100" not in found
    assert found["novel"] == 0.5
    assert found["mean_atoms"] == pytest.approx(10 / 3)


def test_set_without_a_molecule_has_no_figures_but_validity():
    found = measures.summary(["CC("], ["CCO"], Reference(["CCO"]))
    assert found["valid"] == 0
    assert all(isnan(found[name]) for name in ("unique", "novel", "qed", "internal_diversity", "fcd"))


def test_a_string_whose_canonical_form_cannot_be_read_back_counts_as_invalid():
    """A draw of a denoiser: rdkit reads it, and refuses the aromatic form that it writes itself."""
    strange = "Cn1=Nc2ncnc2c1"
    assert canonical(strange) is not None
    assert canonical(canonical(strange)) is None
    found = measures.summary([strange, "CCO"], [], Reference(["CCO"]))
    assert found["valid"] == 0.5
    assert found["mean_atoms"] == 3


def test_frechet_distance_of_a_set_to_itself_is_zero():
    pytest.importorskip("fcd_torch", reason="needs the extra molecules")
    some = ["CCO", "CCN", "CCC", "c1ccccc1", "CC(=O)O"]
    assert measures.frechet_distance(some, Reference(some)) == pytest.approx(0, abs=1e-2)
    assert measures.frechet_distance(some, Reference(["CCCCCC", "CCCCC", "CCCC"])) > 1


def test_picture_of_a_molecule_is_an_svg():
    assert picture("c1ccccc1").startswith("<svg")
    assert "<path" in picture("c1ccccc1")


def test_unfinished_string_is_drawn_as_far_as_it_can_be_read():
    assert "<path" in picture("CC·O", finished=False)
    unread = picture("C1C(·", finished=False)
    assert "#777777" in unread
    assert "C1C(·" in unread


def test_long_string_is_shown_in_lines_that_fit_the_picture():
    smiles = "C1" + "CCCO" * 12  # longer than a picture is wide
    parts = [text.rstrip() for text in re.findall(r">([^<]+)</text>", picture(smiles))]
    assert "".join(parts[:-1]) == smiles
    assert parts[-1] == "ring closure"
    assert max(map(len, parts)) * LETTER < SIZE[0]
    cut = re.findall(r">([^<]+)</text>", picture("C1" + "C" * 500))
    assert len(cut) == LONGEST + 1
    assert cut[-2].endswith("…")


def test_string_that_is_no_molecule_is_shown_escaped_in_red():
    shown = picture("C<script>(")
    assert "#b3261e" in shown
    assert "<script" not in shown
    assert "parenthesis" in shown
    assert "<script" not in gallery(["C<script>"], "<script>")
