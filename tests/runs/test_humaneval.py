"""HumanEval-Infilling: exact answers, answers that pass their tests, no credit for blanks, and errors in a sentence."""

import gzip
import json

import pytest
import torch
from typer.testing import CliRunner
from untrained_text import MODEL, TASK

from adaptive_diffusion.cli.app import app
from adaptive_diffusion.config import instantiate
from adaptive_diffusion.evaluation.program_tests import ProgramLimits
from adaptive_diffusion.runs.humaneval import scores, share
from adaptive_diffusion.sampling.sampler import Sampler
from adaptive_diffusion.storage.checkpoint import save_checkpoint

ROW = {
    "prompt": "def double(x):\n    ",
    "canonical_solution": "return 2 * x",
    "suffix": "\n",
    "test": "def check(candidate):\n    assert candidate(2) == 4\n    assert candidate(3) == 6\n",
    "entry_point": "double",
}
UNTESTED = {name: ROW[name] for name in ("prompt", "canonical_solution", "suffix")}
LONG = {**ROW, "prompt": ROW["prompt"] + "#" * 48}


@pytest.fixture
def file(tmp_path):
    return tmp_path / "rows.jsonl"


@pytest.fixture
def humaneval(tmp_path, file):
    torch.manual_seed(0)
    save_checkpoint(tmp_path / "model.safetensors", instantiate(MODEL), MODEL, {"task": TASK})

    def command(*arguments, source=tmp_path / "model.safetensors"):
        return CliRunner().invoke(app, ["humaneval", str(source), str(file), *arguments], env={"COLUMNS": "160"})

    return command


def write(file, *rows):
    file.write_text("\n".join(row if isinstance(row, str) else json.dumps(row) for row in rows))


def test_only_right_answers_pass_and_blanks_score_nothing():
    blank = {**ROW, "canonical_solution": "  ", "prompt": "def double(x):\n    return 2 * x\n"}
    written = ["return 2 * x", "return x + x", "return x", "return (", "  "]
    found = scores([ROW] * 4 + [blank], written, ProgramLimits(seconds=2))
    assert found["exact"]["value"] == pytest.approx(1 / 5)
    assert found["passed"]["value"] == pytest.approx(2 / 5)
    assert "passed" not in scores([ROW], ["return 2 * x"], None)


def test_interval_of_a_share_is_wide_where_rows_are_few_and_no_answer_is_right():
    found = share([False, False])
    assert (found["value"], found["low"]) == (0, 0)
    assert found["high"] > 0.5
    assert share([True] * 50 + [False] * 50)["high"] == pytest.approx(0.5, abs=0.1)


def test_rows_of_a_file_are_answered_and_long_ones_counted(humaneval, file):
    write(file, ROW, "", LONG)
    file.write_bytes(gzip.compress(file.read_bytes()))
    result = humaneval("--run-tests", "--seconds", "1")
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)
    assert (found["rows"], found["too_long"], found["exact"]["value"], found["passed"]["value"]) == (1, 1, 0, 0)


def test_a_right_answer_is_exact_and_passes(humaneval, file, monkeypatch):
    class Solver:
        """Writes the solution, which the queries hold no more."""

        def sample(self, queries, seed):
            solution = torch.tensor([*ROW["canonical_solution"].encode()])
            queries.tokens[queries.editable] = solution
            return type("Result", (), {"answers": queries.tokens, "nfe": torch.ones(1)})

    monkeypatch.setattr("adaptive_diffusion.runs.trained_model.TrainedModel.sampler", lambda *arguments: Solver())
    write(file, ROW)
    found = json.loads(humaneval("--run-tests").stdout)
    assert (found["exact"]["value"], found["passed"]["value"]) == (1, 1)


def test_rows_are_taken_evenly_and_need_no_tests_unless_they_are_run(humaneval, file):
    write(file, *[UNTESTED] * 5)
    assert json.loads(humaneval("--rows", "2").stdout)["rows"] == 2
    assert json.loads(humaneval("--rows", "9").stdout)["rows"] == 5


@pytest.mark.parametrize(
    ("row", "arguments", "reason"),
    [
        ("{", (), "it is no JSON"),
        ("[]", (), "it is no JSON object"),
        ({"prompt": "a"}, (), "there is no text under 'canonical_solution'"),
        ({**ROW, "prompt": 1}, (), "'prompt' is 1, which is no text"),
        ({**ROW, "canonical_solution": ""}, (), "its canonical_solution is empty"),
        (UNTESTED, ("--run-tests",), "there is no text under test and entry_point, so no test can be run"),
        ({**ROW, "test": 1}, ("--run-tests",), "there is no text under test, so"),
    ],
)
def test_bad_row_is_a_sentence_with_its_file_and_line_before_anything_is_sampled(
    humaneval, file, monkeypatch, row, arguments, reason
):
    monkeypatch.setattr(Sampler, "sample", lambda *arguments, **options: pytest.fail("it has sampled"))
    write(file, ROW, row)
    result = humaneval(*arguments)
    assert (result.exit_code, f"Error: {file}, line 2: {reason}" in result.stderr) == (2, True), result.output


@pytest.mark.parametrize(
    ("options", "arguments", "reason"),
    [
        ({"source": "sudoku-6x6"}, (), "sudoku_6x6 is not text; HumanEval-Infilling needs a model of text"),
        ({"source": "nosuch"}, (), "There is no file or folder nosuch"),
        ({}, ("--sampler", "confidense"), "There is no sampler 'confidense'. The nearest is 'confidence'."),
        ({}, ("--rows", "0"), "Invalid value for '--rows'"),
        ({}, ("--seconds", "0"), "Invalid value for '--seconds'"),
    ],
)
def test_what_cannot_be_evaluated_is_a_sentence(humaneval, file, options, arguments, reason):
    write(file, ROW)
    result = humaneval(*arguments, **options)
    assert (result.exit_code, reason in " ".join(result.stderr.split())) == (2, True), result.output


def test_file_without_a_row_that_fits_is_a_sentence(humaneval, file):
    write(file, LONG, LONG)
    assert "none of its 2 rows fits 48 tokens" in humaneval().stderr
    write(file)
    assert "holds no row" in humaneval().stderr
    file.unlink()
    assert f"Error: there is no file {file}" in humaneval().stderr
