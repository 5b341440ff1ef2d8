"""Molecules: tokens, framings, files of queries, splits, figures of answers."""

from contextlib import suppress

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from adaptive_diffusion.tasks.editing import EditSpec
from adaptive_diffusion.tasks.molecules import (
    EndToken,
    LengthGiven,
    MoleculeTask,
)
from adaptive_diffusion.tasks.molecules.openings import Span
from adaptive_diffusion.tasks.molecules.tokenizer import (
    SYMBOLS,
    CharacterTokenizer,
    LongestMatchTokenizer,
    SmilesTokenizer,
    pieces,
)

LENGTH = 16


def task(framing=None):
    return MoleculeTask(LENGTH, framing=framing or LengthGiven(), drawn_length=lambda line, least: max(4, least))


def read(tmp_path, text, framing=None, skip_bad=False):
    path = tmp_path / "queries.smi"
    path.write_text(text)
    return task(framing).read(path, skip_bad)


def sequence(smiles, length=LENGTH):
    tokenizer = SmilesTokenizer()
    row = torch.full((length,), tokenizer.end)
    tokens = torch.from_numpy(tokenizer.encode(smiles.encode()))
    row[: len(tokens)] = tokens
    return row


def needs_rdkit():
    return pytest.importorskip("rdkit", reason="needs the extra molecules")


def test_strings_are_cut_into_atoms_bonds_and_rings():
    assert pieces("CC(=O)Nc1cc(Cl)c[nH]1") == [*"CC(=O)Nc1cc(", "Cl", *")c", "[nH]", "1"]
    assert pieces("BrC%12[O-]") == ["Br", "C", "%12", "[O-]"]


@given(st.text(max_size=20))
def test_pieces_of_any_text_join_to_it(text):
    assert "".join(pieces(text)) == text


@given(st.lists(st.sampled_from(SYMBOLS), max_size=12))
def test_tokens_give_back_the_string(symbols):
    text = "".join(symbols).encode()
    joined = LongestMatchTokenizer((*SYMBOLS, "CC", "C(=O)", "c1ccccc1", "[nH]1"))
    for tokenizer in (SmilesTokenizer(), CharacterTokenizer(), joined):
        assert tokenizer.decode(tokenizer.encode(text).tolist()) == text


def test_longest_token_that_fits_is_taken_from_the_left():
    tokenizer = LongestMatchTokenizer(("C", "O", "Cl", "CC", "OC", "CCOC"))
    assert tokenizer.cut("CCCOC") == ["CC", "C", "OC"]
    assert tokenizer.cut("CCOCCC") == ["CCOC", "CC"]
    assert tokenizer.cut("CCl") == ["C", "Cl"]
    assert (tokenizer.size, tokenizer.encode(b"CCCOC").tolist()) == (7, [3, 0, 4])


def test_longest_match_names_a_piece_that_is_no_token():
    with pytest.raises(ValueError, match=r"'N' is no token of this model; its tokens are C CC"):
        LongestMatchTokenizer(("C", "CC")).encode(b"CCN")


def test_unknown_piece_is_named():
    with pytest.raises(ValueError, match=r"'\[Au\]' is no token of this model; its tokens are C N"):
        SmilesTokenizer().encode(b"C[Au]")


def test_open_places_of_a_line_are_read(tmp_path):
    found = read(tmp_path, "# a comment\nC<|2|>O a name\n<|*|>\nCC<|*|>\n", LengthGiven()).problems
    assert [row.nonzero()[:, 0].tolist() for row in found.editable] == [[1, 2], [0, 1, 2, 3], [2, 3]]
    assert found.inside.sum(1).tolist() == [4, 4, 4]
    assert found.tokens[0, :4].tolist() == [0, 36, 36, 2]
    assert task().targets(found) is None


def test_rest_of_a_molecule_is_open_to_the_end_where_an_end_is_predicted(tmp_path):
    found = read(tmp_path, "CC<|*|>\n", EndToken()).problems
    assert found.editable[0].tolist() == [False, False, *[True] * 14]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("CCO", "line 2: nothing is open; mark what is to be written"),
        ("C<|0|>", r"line 2: <\|0\|> opens nothing; give at least 1 token"),
        ("C<|*|>O", r"line 2: <\|\*\|> is not at the end; give the number"),
        ("C[Au]<|2|>", r"line 2: '\[Au\]' is no token"),
        ("C<|16|>", "line 2: 17 tokens, and there is room for 16; shorten"),
    ],
)
def test_bad_line_gets_its_number_reason_and_fix(tmp_path, line, reason):
    with pytest.raises(ValueError, match=reason):
        read(tmp_path, f"C<|1|>\n{line}\n")
    found = read(tmp_path, f"C<|1|>\n{line}\n", skip_bad=True)
    assert (len(found.problems), len(found.skipped)) == (1, 1)


def test_span_of_a_string_is_edited_and_the_rest_stays():
    draft = task().editor.draft(b"CCOC(C)C\n", EditSpec(rewrite=["2:4=3"]))
    assert draft.editable.nonzero()[0].tolist() == [2, 3, 4]
    assert (draft.tokens.shape, draft.tokens[9:].tolist()) == ((LENGTH,), [36] * 7)
    assert draft.content([0, 0, 1, 1, 1, *draft.tokens[5:]]) == b"CCNNN(C)C\n"


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"CCO\nCCN\n", "the file holds 2 words"),
        (b"", "holds 0 words"),
        (b"C" * 17, "has 17 tokens, and there is room for 16"),
    ],
)
def test_file_that_is_not_one_string_of_that_length_is_not_edited(content, reason):
    with pytest.raises(ValueError, match=reason):
        task().editor.draft(content, EditSpec(rewrite=["0:1"]))


def test_length_that_is_not_known_is_refused(tmp_path):
    (tmp_path / "a.smi").write_text("<|*|>\n")
    with pytest.raises(ValueError, match="no lengths of molecules are known here"):
        MoleculeTask(LENGTH, framing=LengthGiven()).read(tmp_path / "a.smi", False)


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(tmp_path_factory, content):
    path = tmp_path_factory.mktemp("smi") / "a.smi"
    path.write_bytes(content)
    with suppress(ValueError):
        assert len(task().read(path, True).problems)


@given(st.integers(1, LENGTH), st.floats(0, 1, exclude_max=True), st.floats(0, 1, exclude_max=True))
def test_span_lies_within_the_string(count, size, start):
    opened = Span((0.2, 0.6))("C" * count, LENGTH, LengthGiven(), np.array([size, start]))
    assert opened.any()
    assert not opened[count:].any()


def test_valid_answer_is_a_molecule_with_what_was_given_and_its_length(tmp_path):
    needs_rdkit()
    problems = read(tmp_path, "C<|2|>\n" * 5).problems
    answers = torch.stack([sequence(smiles) for smiles in ("CCO", "CC(", "OCC", "CO", "CC")])
    answers[4, 2] = 37  # left open
    grades = task().grades(answers, problems)
    assert grades["valid"].tolist() == [1, 0, 0, 0, 0]
    assert grades["exact"].isnan().all()
    assert grades["atoms"][[0, 2]].tolist() == [3, 3]
    assert grades["atoms"][[1]].isnan().all()


def test_answer_is_cut_at_its_first_end(tmp_path):
    needs_rdkit()
    answers = sequence("CCO")[None]
    answers[0, 6] = 3
    assert task().decode(answers[0]) == "CCO"
    assert task(EndToken()).correct(answers, read(tmp_path, "<|*|>\n", EndToken()).problems).all()
