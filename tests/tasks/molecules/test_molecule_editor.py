"""Edits of a molecule: spans that cut no token, and answers that are no molecule."""

import pytest

from adaptive_diffusion.tasks.editing import EditSpec
from adaptive_diffusion.tasks.molecules import LengthGiven, MoleculeTask, chemistry
from adaptive_diffusion.tasks.molecules.tokenizer import SYMBOLS

EDITOR = MoleculeTask(16, framing=LengthGiven()).editor


@pytest.mark.parametrize(
    ("spec", "sentence"),
    [
        (EditSpec(rewrite=["2:3"]), "bytes 2:3: byte 3 cuts the token 'Br' in two; bounds that fit are 2 and 4"),
        (EditSpec(rewrite=["3:5"]), "bytes 3:5: byte 3 cuts the token 'Br' in two; bounds that fit are 2 and 4"),
        (EditSpec(insert=["7+2"]), r"at byte 7: byte 7 cuts the token '\[nH\]' in two; bounds that fit are 5 and 9"),
    ],
)
def test_span_that_cuts_a_token_is_refused_with_the_bounds_that_fit(spec, sentence):
    with pytest.raises(ValueError, match=sentence):
        EDITOR.draft(b"CCBrC[nH]", spec)


def test_bounds_of_tokens_are_bounds_of_spans():
    assert EDITOR.draft(b"CCBrC[nH]", EditSpec(rewrite=["2:4"], insert=["9+1"])).editable.sum() == 2


@pytest.mark.parametrize(
    ("smiles", "sentence"),
    [
        ("CCO", None),
        ("", "the string is empty"),
        ("CC(", "a parenthesis has no partner"),
        ("C1CC", "the ring closure 1 has no partner"),
        ("CC==O", "rdkit cannot read it as a molecule"),
        ("C#CCC(C)(CCN)=O", "the atom C at token 5 has too many bonds"),
        ("c1ccc1c", "an aromatic ring has no alternating double bonds"),
    ],
)
def test_rule_that_a_string_breaks_is_named(smiles, sentence):
    pytest.importorskip("rdkit", reason="needs the extra molecules")
    assert chemistry.violation(smiles) == sentence


def test_edited_molecule_is_checked_as_it_stands_in_the_file():
    pytest.importorskip("rdkit", reason="needs the extra molecules")
    draft = EDITOR.draft(b"CCOC\n", EditSpec(rewrite=["1:2"]))
    first, _, *rest = draft.tokens.tolist()
    assert draft.violation([first, SYMBOLS.index("C"), *rest]) is None
    assert draft.violation([first, SYMBOLS.index("F"), *rest]) == "the atom F at token 2 has too many bonds"


def test_molecule_is_edited_without_rdkit(monkeypatch):
    def missing(smiles):
        raise ModuleNotFoundError

    monkeypatch.setattr(chemistry, "molecule", missing)
    draft = EDITOR.draft(b"CC(C)C", EditSpec(rewrite=["1:2"]))
    assert draft.violation(draft.tokens.tolist()) is None
