"""Protein sequences: files, regions, openings, splits, figures of answers."""

import gzip
from contextlib import suppress

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from adaptive_diffusion.tasks.proteins import ProteinData, ProteinTask, Repair, Scattered, Window
from adaptive_diffusion.tasks.proteins.alphabet import PADDING, RESIDUES, VOCABULARY, decode, encode
from adaptive_diffusion.tasks.proteins.fasta import read_queries
from adaptive_diffusion.tasks.proteins.regions import anchored, numbered

HEAVY = (
    "EVQLVESGGGLVQPGGSLRLSCAASGFTFSSYAMSWVRQAPGKGLEWVSAISGSGGSTYYADSVKGRFTISRDNSKNTLYLQMNSLRAEDTAVYYC",
    "AKDRGSY",
    "WGQGTLVTVSS",
)
CHAIN = "".join(HEAVY)
LIGHT = (
    "DVVMTQTPFSLPVSLGDQASISCRSSQSLVHSNGNTYLHWYLQKPGQSPKLLIYKVSNRFSGVPDRFSGSGSGTDFTLKISRVEAEDLGVYFCSQSTHVPYTFGGGTKLEIK"
)
#: Regions by ANARCI, from 0 on.
IMGT = {"fr1": (0, 25), "cdr1": (25, 33), "fr2": (33, 50), "cdr2": (50, 58), "fr3": (58, 96), "cdr3": (96, 103)}
TASK = ProteinTask(120)


def file(tmp_path, text):
    path = tmp_path / "a.fasta"
    path.write_text(text)
    return path


def opened(problems, row=0):
    return problems.editable[row].nonzero()[:, 0].tolist()


def test_regions_counted_from_conserved_residues_are_those_of_anarci():
    assert anchored(CHAIN) == {**IMGT, "fr4": (103, 114)}
    light = anchored(LIGHT)
    assert (LIGHT[slice(*light["cdr1"])], LIGHT[slice(*light["cdr2"])]) == ("QSLVHSNGNTY", "KVS")
    assert LIGHT[slice(*light["cdr3"])] == "SQSTHVPYT"


@pytest.mark.parametrize("sequence", [CHAIN, LIGHT])
def test_regions_by_anarcism_are_the_same(sequence):
    pytest.importorskip("anarcism", reason="needs the extra proteins")
    assert numbered(sequence) == anchored(sequence)


@given(st.text(alphabet=RESIDUES, max_size=160))
def test_regions_of_any_sequence_follow_each_other(sequence):
    bounds = [place for span in anchored(sequence).values() for place in span]
    assert bounds == sorted(bounds)


def test_blanks_regions_and_spans_are_opened(tmp_path):
    found = read_queries(file(tmp_path, f">a\nAC_X.DE*\n>b rewrite=cdr3,2-3\n{CHAIN}\n"), 120)
    assert opened(found.problems, 0) == [2, 3, 4]
    assert opened(found.problems, 1) == [1, 2, *range(96, 103)]
    assert not found.problems.drafted.any()
    queries = TASK.queries(found.problems)
    assert queries.tokens[0, :8].tolist() == [0, 1, *[VOCABULARY] * 3, 2, 3, PADDING]


def test_sequence_without_an_edit_is_repaired(tmp_path):
    found = read_queries(file(tmp_path, ">a\nACDE\n>b revise=2-3\nACDE\n"), 120).problems
    assert [opened(found, row) for row in (0, 1)] == [[0, 1, 2, 3], [1, 2]]
    queries = TASK.queries(found)
    assert torch.equal(queries.drafted, found.editable)
    assert queries.tokens[1, :4].tolist() == [0, 1, 2, 3]


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        (">a\nACZ1\n", "line 3: residue 3 is 'Z'; write one of the 20"),
        (">a\n", "line 3: the record has no residues"),
        (f">a\n{CHAIN}{CHAIN}\n", "line 3: 228 residues, and the task has room for 120; shorten"),
        (">a rewrite=cdr4\nACDE\n", "line 3: 'cdr4' names no region or span; write one of fr1"),
        (">a rewrite=cdr1\nACDE\n", "line 3: cdr1 is not found in the sequence; give positions"),
        (">a rewrite=3-9\nACDE\n", "line 3: 3-9 lies outside the sequence of 4 residues"),
        (">a rewrite=0-2\nACDE\n", "line 3: 0-2 lies outside"),
    ],
)
def test_bad_record_gets_its_line_reason_and_fix(tmp_path, record, reason):
    path = file(tmp_path, f">sound\nAC_\n{record}>another\nAC_\n")
    with pytest.raises(ValueError, match="--skip-bad") as refused:
        read_queries(path, 120)
    assert reason in str(refused.value)
    found = read_queries(path, 120, skip_bad=True)
    assert len(found.problems) == 2
    assert reason in found.skipped[0]


def test_residues_before_the_first_header_are_bad(tmp_path):
    with pytest.raises(ValueError, match="line 1: residues before the first header"):
        read_queries(file(tmp_path, "AC\n>a\nAC_\n"), 120)


@given(st.binary(max_size=300))
def test_any_bytes_are_read_or_refused(tmp_path_factory, content):
    path = tmp_path_factory.mktemp("fasta") / "a.fasta"
    path.write_bytes(content)
    with suppress(ValueError):
        assert len(read_queries(path, 120, skip_bad=True).problems)


@given(st.lists(st.floats(0, 1, exclude_max=True), min_size=24, max_size=24), st.text(RESIDUES, min_size=1, max_size=8))
def test_openings_stay_within_the_sequence(uniforms, sequence):
    clean, uniforms = encode(sequence, 8), np.array(uniforms).reshape(3, 8)
    for opening in (Scattered((0.1, 0.6)), Window((0.1, 0.6)), Repair((0.05, 0.3))):
        tokens, editable, drafted = opening(clean, uniforms)
        assert not editable[len(sequence) :].any()
        assert (drafted <= editable).all()
        changed = tokens != clean
        if drafted.any():
            assert changed.sum() == opening.count(len(sequence), uniforms[0, 0])
            assert (tokens[changed] < PADDING).all()
        else:
            assert not changed.any()
            assert editable.sum() == opening.count(len(sequence), uniforms[0, 0])


def test_window_opens_neighbours():
    _, editable, _ = Window((0.5, 0.5))(encode("ACDEFGHI", 8), np.full((3, 8), 0.99))
    assert editable.nonzero()[0].tolist() == [4, 5, 6, 7]


def test_figures_of_a_repair():
    clean = torch.from_numpy(np.stack([encode("ACDEFGHIKL", 12)] * 2))
    tokens = clean.clone()
    tokens[:, :2] = 10  # two of ten residues are replaced
    from adaptive_diffusion.tasks.proteins.problems import ProteinProblems

    inside = clean != PADDING
    loop = torch.zeros_like(inside)
    problems = ProteinProblems(tokens, inside, inside, clean, torch.tensor([True, False]), loop, np.array(["", ""]))
    answers = tokens.clone()
    answers[:, 0] = 0  # one is corrected
    answers[:, 9] = 3  # and one of eight right residues broken
    found = TASK.grades(answers, problems)
    assert found["score"][0] == pytest.approx(0.8)
    assert found["corrected"][0] == 0.5
    assert found["broken"][0] == pytest.approx(1 / 8)
    assert found["loop_recovery"].isnan().all()
    assert found["valid"].tolist()[0] == 1
    assert all(found[name][1].isnan() for name in ("score", "exact", "corrected", "broken"))


def test_changed_given_residues_and_padding_inside_are_not_valid():
    problems = made(Scattered((0.5, 0.5)))
    right = problems.clean
    assert TASK.grades(right, problems)["correct"].all()
    padded = right.masked_fill(problems.editable, PADDING)
    changed = torch.where(problems.editable | (right == PADDING), right, (right + 1) % PADDING)
    for wrong in (padded, changed):
        assert not TASK.verify(wrong, problems).valid.any()


def made(opening, count=4):
    rng = np.random.default_rng(0)
    from adaptive_diffusion.tasks.proteins.problems import stacked

    clean = encode(CHAIN, 120)
    rows = [(*opening(clean, rng.random((3, 120))), clean, np.array(True), np.zeros(120, bool)) for _ in range(count)]
    return stacked(rows, [""] * count)


@pytest.fixture
def chains(tmp_path):
    """Sequences of four families, one of them twice, compressed."""
    rng = np.random.default_rng(1)
    lines = []
    for number in range(40):
        sequence = decode(rng.integers(0, PADDING, 20))
        lines += [f">h{number} v=IGHV{1 + number % 4}-{number}*01", sequence]
    path = tmp_path / "chains.fasta.gz"
    path.write_bytes(gzip.compress("\n".join([*lines, lines[0], lines[1]]).encode()))
    return path


def data(path, **options):
    return ProteinData(str(path), ["IGHV2"], ["IGHV4"], (Scattered(), Window()), length=24, **options)


def test_families_are_in_one_split_only(chains):
    splits = data(chains)
    families = {
        split: {*problems.family}
        for split, problems in [
            ("train", splits.training(0, 200)),
            *((s, splits.held_out(s)) for s in ("validation", "test")),
        ]
    }
    assert families == {"train": {"IGHV1", "IGHV3"}, "validation": {"IGHV2"}, "test": {"IGHV4"}}
    assert splits.facts()["sequences"] == {"train": 20, "validation": 10, "test": 10}
    assert "10 for test" in splits.check()[0]


def test_problem_is_the_same_whatever_range_it_is_made_in(chains):
    alone, among = data(chains).training(17, 1), data(chains).training(10, 20)
    for column in ("tokens", "editable", "clean"):
        assert torch.equal(getattr(alone, column)[0], getattr(among, column)[7])
    other = data(chains, seed=1).training(10, 20)
    assert not torch.equal(among.editable, other.editable)
    assert torch.equal(data(chains, seed=1).test.editable, data(chains).test.editable)


def test_split_without_a_sequence_is_refused(chains):
    with pytest.raises(ValueError, match="no sequence for test; its families are IGHV1, IGHV2, IGHV3, IGHV4"):
        ProteinData(str(chains), ["IGHV2"], ["IGHV9"], length=24).test  # noqa: B018


def test_family_for_two_splits_is_refused():
    with pytest.raises(ValueError, match="IGHV2 are for validation and for test"):
        ProteinData("a.fasta", ["IGHV2"], ["IGHV2"])


def test_sequences_with_blanks_are_not_trained_on(tmp_path):
    with pytest.raises(ValueError, match="line 1: the sequence has blanks"):
        data(file(tmp_path, ">a v=IGHV1-1\nAC_\n")).test  # noqa: B018
