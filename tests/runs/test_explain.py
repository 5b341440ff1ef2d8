"""The command `explain`, on traces of one sampler and of several."""

import pytest
from synthetic_traces import Row, commit, record
from typer.testing import CliRunner

from adaptive_diffusion.cli.app import app


def explained(*arguments):
    result = CliRunner().invoke(app, ["explain", *map(str, arguments)])
    return result.exit_code, result.output


@pytest.fixture
def run(tmp_path):
    for name, token in (("careful", 1), ("learned", 2)):
        record(tmp_path / "traces" / name, [Row([0, -1], [[commit(1, token)]], query=4)])
    return tmp_path


def test_trace_of_a_sampler_is_found_by_its_name(run):
    status, printed = explained(run, 4, "--sampler", "learned")
    assert status == 0
    assert "committed 1: 2 at position 1" in printed


def test_folder_of_a_trace_needs_no_name(run):
    assert "committed 1: 1 at position 1" in explained(run / "traces" / "careful", 4)[1]


def test_one_trace_in_a_folder_needs_no_name(run):
    record(run / "other" / "traces" / "alone", [Row([0, -1], [[commit(1, 3)]])])
    assert "committed 1: 3 at position 1" in explained(run / "other", 0)[1]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ([4], "has several samplers; choose one with --sampler: careful, learned"),
        ([4, "--sampler", "wild"], "has no sampler 'wild'; choose another with --sampler: careful, learned"),
        ([5, "--sampler", "learned"], "the trace has no puzzle 5, variation 0; its queries are 4 to 4"),
    ],
)
def test_choice_that_is_not_there_is_refused_with_those_that_are(run, arguments, sentence):
    status, printed = explained(run, *arguments)
    assert status == 2
    assert sentence in " ".join(printed.split())


def test_folder_without_traces_is_refused_with_the_command_that_records_some(tmp_path):
    status, printed = explained(tmp_path, 0)
    assert status == 2
    assert "holds no traces; record some: adaptive-diffusion sample" in " ".join(printed.split())
