"""Scaffolds, pairs of fragments, and what of a string is kept for them."""

import numpy as np
import pytest

pytest.importorskip("rdkit", reason="needs the extra molecules")

from adaptive_diffusion.tasks.molecules import LengthGiven, MoleculeData, SmilesFile
from adaptive_diffusion.tasks.molecules.chemistry import chem
from adaptive_diffusion.tasks.molecules.fragments import holds, kept_characters, kept_parts, linkers, scaffold
from adaptive_diffusion.tasks.molecules.openings import New, Scaffold, TwoFragments
from adaptive_diffusion.tasks.molecules.tokenizer import CharacterTokenizer, LongestMatchTokenizer, SmilesTokenizer

STRINGS = (
    "Cc1ccccc1",
    "OC1CC2CC3OC2C13",
    "CC(=O)OC1CC1N",
    "C1CC1CCC1CC1",
    "CCCC#CCC=O",
    "Brc1ccc(C#N)cc1Cl",
    "O=CC(C=O)C",
)


def shown(smiles, kept):
    return "".join(character if stays else "*" for character, stays in zip(smiles, kept, strict=True))


@pytest.mark.parametrize(
    ("smiles", "atoms", "kept"),
    [
        ("Cc1ccccc1", [1, 2, 3, 4, 5, 6], "*c1ccccc1"),
        ("CCC(=O)OC1CC1N", [5, 6, 7], "********C1CC1*"),
        ("C1CC1CCC1CC1", [0, 1, 2, 3, 4, 5, 6, 7], "C1CC1CCC1CC1"),  # the chain links two rings
        ("C1CC(CO)C1Cl", [0, 1, 2, 5], "C1CC****C1**"),
        ("CC(C)(C)C#N", [], "***********"),
    ],
)
def test_scaffold_by_hand(smiles, atoms, kept):
    assert sorted(scaffold(smiles)) == atoms
    assert shown(smiles, kept_characters(smiles, scaffold(smiles))) == kept


@pytest.mark.parametrize("smiles", [one for one in STRINGS if "1" in one])
def test_scaffold_is_that_of_rdkit_but_for_double_bonds_outside_rings(smiles):
    from rdkit.Chem.Scaffolds import MurckoScaffold

    expected = MurckoScaffold.MurckoScaffoldSmiles(smiles)
    part = chem().MolFragmentToSmiles(chem().MolFromSmiles(smiles), sorted(scaffold(smiles)))
    assert chem().CanonSmiles(part) == expected


def test_linkers_by_hand():
    found = linkers("OCNCF")  # N alone joins OC and CF; every longer chain leaves less than two atoms on a side
    assert found == [(frozenset({0, 1}), frozenset({3, 4}))]
    assert shown("OCNCF", kept_characters("OCNCF", frozenset({0, 1, 3, 4}))) == "OC*CF"
    assert linkers("C1CCCCC1") == []
    assert linkers("no molecule") == []


@pytest.mark.parametrize("smiles", STRINGS)
def test_fragments_are_apart_connected_and_outside_the_linker(smiles):
    for pair in linkers(smiles):
        kept = kept_characters(smiles, pair[0] | pair[1])
        assert not kept.all()
        assert set(kept_parts(smiles, kept)) == set(pair)
        assert holds(smiles, smiles, list(pair))


def test_part_with_other_bonds_or_charges_is_not_held():
    (ring,) = kept_parts("CC1CC1", np.array([False, True, True, True, True, True]))
    assert holds("OC1CC1", "CC1CC1", [ring])
    assert not holds("CC1=CC1", "CC1CC1", [ring])
    assert not holds("CCCC", "CC1CC1", [ring])
    assert not holds("not a string", "CC1CC1", [ring])
    two = [frozenset({0, 1}), frozenset({3, 4})]  # of CONOC, each by itself
    assert holds("COCOC", "CONOC", two)
    assert not holds("COCCC", "CONOC", two)


@pytest.mark.parametrize("tokenizer", [SmilesTokenizer(), CharacterTokenizer()])
def test_problems_open_what_is_not_kept_and_skip_molecules_that_do_not_suit(tokenizer, tmp_path):
    path = tmp_path / "all.smi"
    path.write_text(
        "\n".join(f"{'C' * size}C1CC1{end}" for size in range(12) for end in ("N", "O", "F", "")) + "\nCCC\n"
    )
    openings = [New(), Scaffold(), TwoFragments()]
    options = {"tokenizer": tokenizer, "framing": LengthGiven(), "openings": openings, "held_out_problems": 6}
    data = MoleculeData(SmilesFile(str(path)), length=24, **options)
    assert data.test.kind.tolist() == ["new", "scaffold", "fragments"] * 2
    task = data.task
    for tokens, editable, kind in zip(data.test.tokens, data.test.editable, data.test.kind, strict=True):
        smiles = task.smiles(tokens)
        sizes = [len(piece) for piece in tokenizer.cut(smiles)]
        kept = np.repeat(~editable[: len(sizes)].numpy(), sizes)
        assert not editable[len(sizes) :].any()
        if kind == "scaffold":
            assert (kept == kept_characters(smiles, scaffold(smiles))).all()
        if kind == "fragments":
            assert tuple(sorted(kept_parts(smiles, kept), key=min)) in {
                tuple(sorted(p, key=min)) for p in linkers(smiles)
            }
    scaffolds = data.opened("test", Scaffold(), 3)
    assert scaffolds.kind.tolist() == ["scaffold"] * len(scaffolds)
    assert data.task.correct(scaffolds.tokens, scaffolds).all()


def test_token_with_more_than_what_is_kept_is_open():
    cut = LongestMatchTokenizer(("C", "1", "CC1", "N")).cut("CCC1CC1N")
    assert cut == ["C", "CC1", "CC1", "N"]
    assert Scaffold()(cut, 6, LengthGiven(), np.zeros(2)).tolist() == [True, True, False, True, False, False]


def test_opening_that_no_molecule_suits_is_refused(tmp_path):
    path = tmp_path / "chains.smi"
    path.write_text("\n".join("C" * size for size in range(1, 40)))
    data = MoleculeData(SmilesFile(str(path)), length=48, openings=[Scaffold()])
    with pytest.raises(ValueError, match="no molecule of .* suits the opening 'scaffold'"):
        data.test  # noqa: B018
