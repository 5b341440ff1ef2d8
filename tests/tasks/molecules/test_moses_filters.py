"""The filters of MOSES, on patterns of a wheel made here: rings, elements, charges, and patterns with hydrogens."""

import zipfile
from math import isnan

import pytest

pytest.importorskip("rdkit", reason="needs the extra molecules")

from adaptive_diffusion.tasks.molecules import Moses, SmilesFile, measures
from adaptive_diffusion.tasks.molecules.measures import Reference
from adaptive_diffusion.tasks.molecules.moses_filters import MosesFilters

MCF = 'names,smarts\nMCF1,[#6]-[#8]-[#1]\nMCF2,"[#6]-[F,Cl]"\n'
PAINS = '"[#6]=[#7]-[#7]"          ,"<regId=one(1)>"\n"[#16]~[#16]","<regId=two(2)>"\n'


def wheel(folder, mcf=MCF, pains=PAINS):
    path = folder / "molsets-1-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("moses/metrics/mcf.csv", mcf)
        archive.writestr("moses/metrics/wehi_pains.csv", pains)
    return str(path)


@pytest.mark.parametrize(
    ("smiles", "passes"),
    [
        ("CCC", True),
        ("COC", True),
        ("CBr", True),
        ("CO", False),  # MCF1 needs the hydrogen of an alcohol
        ("CF", False),
        ("CC=NNC", False),
        ("CSSC", False),
        ("C1CCCCCC1", True),
        ("C1CCCCCCC1", False),  # a ring of eight
        ("C[N+](C)(C)C", False),
        ("CC(=O)[O-]", False),
        ("CI", False),
        ("CP", False),
        ("CC(", False),
        ("", False),
    ],
)
def test_molecule_passes_unless_a_rule_or_a_pattern_refuses_it(tmp_path, smiles, passes):
    assert MosesFilters(wheel(tmp_path)).passes(smiles) is passes


def test_every_row_of_both_tables_is_a_pattern(tmp_path):
    assert len(MosesFilters(wheel(tmp_path)).patterns) == 4


def test_share_is_of_all_valid_strings_and_a_figure_of_sets_where_filters_are_given(tmp_path):
    filters = Moses(wheel(tmp_path)).filters()
    assert filters.share(["CCC", "CCC", "CO", "CSSC"]) == 0.5
    assert isnan(filters.share([]))
    figures = measures.summary(["CCC", "CO", "CC("], [], Reference(["CCO"]), filters=filters)
    assert figures["filters"] == 0.5
    assert "filters" not in measures.summary(["CCC"], [], Reference(["CCO"]))


def test_a_corpus_without_filters_has_none():
    assert SmilesFile("some.smi").filters() is None


def test_what_is_missing_in_the_wheel_or_unreadable_is_a_sentence(tmp_path):
    with pytest.raises(ValueError, match="nosuch.whl is no file; get it by: pip download --no-deps molsets"):
        MosesFilters("nosuch.whl").passes("CC")
    with pytest.raises(ValueError, match="rdkit cannot read the pattern 'C1'"):
        MosesFilters(wheel(tmp_path, pains="C1,one\n")).passes("CC")
    with pytest.raises(ValueError, match="the table has no column smarts"):
        MosesFilters(wheel(tmp_path, mcf="names,other\na,C\n")).passes("CC")
