"""Molecules of a corpus: splits, training problems, caches, new molecules."""

import gzip
import io
import json
import zipfile

import numpy as np
import pytest
import torch

from adaptive_diffusion.tasks.molecules import (
    EndToken,
    MoleculeData,
    NewMolecules,
    Qm9,
    SmilesFile,
)

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
    pytest.importorskip("rdkit", reason="needs the extra molecules")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    (tmp_path / "some.smi").write_text("\n".join([*STRINGS, "OCC ethanol again", "C1CC no ring"]))
    return SmilesFile(str(tmp_path / "some.smi"))


def test_each_molecule_comes_once_and_splits_share_nothing(corpus):
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
    data = MoleculeData(corpus, LENGTH, batch_size=8)
    together = data.training(0, 12)
    assert torch.equal(together.tokens[5:], data.training(5, 7).tokens)
    assert torch.equal(together.editable.sum(1), (together.tokens != 36).sum(1))
    opened = MoleculeData(corpus, LENGTH, framing=EndToken()).training(0, 2).editable
    assert opened.all()


def test_pass_over_the_data_shows_each_training_string_once(corpus):
    data = MoleculeData(corpus, LENGTH)
    strings = data.strings["train"]
    passes = [
        [data.task.smiles(row) for row in data.training(first, len(strings)).tokens] for first in (0, len(strings))
    ]
    assert sorted(passes[0]) == sorted(passes[1]) == sorted(strings)
    assert passes[0] != passes[1]


def test_lengths_of_new_molecules_are_those_of_training_strings(corpus):
    data = MoleculeData(corpus, LENGTH)
    sizes = data.new(4000).editable.sum(1)
    shares = np.bincount(sizes, minlength=LENGTH + 1) / 4000
    assert abs(shares - data.lengths).max() < 0.03
    assert data.drawn_length(1, 8) >= 8
    with pytest.raises(ValueError, match="no training string has 16 tokens or more"):
        data.drawn_length(1, 16)


def test_references_are_valid_and_only_partly_given_ones_can_be_exact(corpus):
    data = MoleculeData(corpus, LENGTH, held_out_problems=6)
    grades = data.task.grades(data.test.tokens, data.test)
    assert (grades["valid"] == 1).all()
    assert grades["exact"].isnan().tolist() == [True, False] * 3
    assert set(data.test.kind) == {"new", "span"}


def test_likelihood_windows_hold_each_string(corpus):
    data = MoleculeData(corpus, LENGTH)
    windows = data.windows("test")
    assert data.bytes_of(windows) == sum(map(len, data.strings["test"]))


def test_strings_of_a_package_are_read_from_its_wheel(tmp_path, monkeypatch):
    pytest.importorskip("rdkit", reason="needs the extra molecules")
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
