"""The `edit` command, from a checkpoint to texts."""

import json
import re

import pytest
import torch
from typer.testing import CliRunner
from untrained_text import MODEL, TASK

from adaptive_diffusion.cli.app import app
from adaptive_diffusion.config import instantiate
from adaptive_diffusion.storage.checkpoint import save_checkpoint
from adaptive_diffusion.tasks.data import TaskData
from adaptive_diffusion.tasks.editing import Change, EditSpec, SymbolEditor
from adaptive_diffusion.tasks.task import Task

TEXT = b"first line\nsecond line\nthird line\n"


@pytest.fixture
def edit(tmp_path):
    torch.manual_seed(0)
    save_checkpoint(tmp_path / "model.safetensors", instantiate(MODEL), MODEL, {"task": TASK})
    (tmp_path / "file.txt").write_bytes(TEXT)
    source, file = str(tmp_path / "model.safetensors"), str(tmp_path / "file.txt")
    return lambda *arguments: CliRunner().invoke(app, ["edit", source, file, *arguments], env={"COLUMNS": "160"})


def test_variations_are_shown_side_by_side_and_counted(edit):
    result = edit("--rewrite", "2-2", "-n", "3", "--sampler", "mdlm")
    assert result.exit_code == 0, result.output
    assert [f"seed {seed}: " in result.output for seed in range(3)] == [True] * 3
    assert result.output.count("-second line") == 1
    [row] = [line for line in result.stdout.splitlines() if "line 2: " in line]
    assert row.count("line 2: 0.") == 3
    assert "3 of 3 variations are distinct" in result.output


@pytest.mark.filterwarnings("error:.*draws nothing")
def test_variations_of_a_sampler_that_draws_nothing_are_warned_of(edit, tmp_path):
    with pytest.warns(UserWarning, match="all 3 variations are the same, .*'confidence' draws nothing; .*mdlm"):
        result = edit("--rewrite", "2-2", "-n", "3")
    assert "1 of 3 variations are distinct" in result.output
    edit("--rewrite", "2-2")
    assert edit("--rewrite", "2-2", "-n", "2", "--sampler", "mdlm").exit_code == 0


def test_spans_are_named_as_they_were_asked_for(edit):
    result = edit("--rewrite", "0:5=3", "--rewrite", "5:8", "--rewrite", "2-2", "--insert", "end+4", "--json")
    [variation] = json.loads(result.stdout)["variations"]
    assert [(span["span"], span["tokens"], span["written"]) for span in variation["spans"]] == [
        ("bytes 0:5", 3, 3),
        ("bytes 5:8", 3, 3),
        ("line 2", 12, 12),
        ("inserted at the end", 4, 4),
    ]


def test_one_variation_is_shown_as_a_difference_with_how_sure_the_model_is(edit):
    result = edit("--rewrite", "2-2", "--sampler", "mdlm")
    assert "-second line" in result.output
    assert "line 2: written with probability 0." in result.output
    assert "variations" not in result.output


def test_json_and_files_hold_all_of_the_text(edit, tmp_path):
    result = edit("--rewrite", "2-2=5", "--delete", "0:6", "--seed", "4", "--json", "--out", str(tmp_path / "out"))
    assert result.exit_code == 0, result.output
    [variation] = json.loads(result.stdout)["variations"]
    assert variation["seed"] == 4
    assert 0 < variation["spans"][0]["certainty"] < 1
    written = (tmp_path / "out" / "file.4.txt").read_bytes()
    assert written.startswith(b"line\n")
    assert written.endswith(b"third line\n")
    assert (tmp_path / "file.txt").read_bytes() == TEXT


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ((), "nothing is to be changed; name a place with --rewrite, --revise, --insert or --delete"),
        (("--rewrite", "3-9"), "lines 3-9 are not in the text, which has 3"),
        (("--rewrite", "two"), "'two' is no span"),
        (("--insert", "5"), "'5' is no insertion"),
        (("--insert", "start+999"), "the sequence holds 48"),
    ],
)
def test_change_that_cannot_be_made_is_one_sentence(edit, arguments, sentence):
    result = edit(*arguments)
    assert result.exit_code == 2
    assert sentence in result.stderr


def test_changes_are_read_as_bytes_lines_and_ends():
    spec = EditSpec(["0:5=9"], ["3-3"], ["start+2", "end+3", "7+1"], ["1-2"])
    assert spec.changes(TEXT) == [
        Change(0, 5, 9),
        Change(23, 34, revise=True),
        Change(0, 23, 0),
        Change(0, 0, 2),
        Change(34, 34, 3),
        Change(7, 7, 1),
    ]


class Digits(Task):
    """Four digits in a row, a user's own task with the ready editor."""

    name, length, vocabulary = "digits", 4, 10
    editor = SymbolEditor("0123456789", 4)

    def queries(self, problems):
        raise NotImplementedError

    verify = difficulty = read = decode = queries


class DigitsData(TaskData):
    task = Digits()

    def training(self, position, count):
        raise NotImplementedError

    held_out = training


def saved(path, vocabulary, length, task):
    torch.manual_seed(0)
    positions = {"_target_": "adaptive_diffusion.models.positions.LearnedPositions.line", "length": length}
    node = {**MODEL, "denoiser": {**MODEL["denoiser"], "vocabulary": vocabulary, "positions": positions}}
    save_checkpoint(path, instantiate(node), node, {"task": task})


def test_grid_and_a_users_own_task_are_edited(tmp_path):
    saved(tmp_path / "digits.safetensors", 10, 4, {"_target_": f"{__name__}.DigitsData"})
    (tmp_path / "row.txt").write_text("1-2-3-.\n")
    arguments = [str(tmp_path / name) for name in ("digits.safetensors", "row.txt")]
    result = CliRunner().invoke(app, ["edit", *arguments, "--rewrite", "0:1", "--json", "--allow-module", __name__])
    assert result.exit_code == 0, result.output
    [variation] = json.loads(result.stdout)["variations"]
    assert re.fullmatch(r"\d-2-3-\d\n", variation["text"])


def test_revision_that_changes_nothing_is_reported(tmp_path):
    task = {"_target_": "adaptive_diffusion.tasks.sudoku.SudokuDataModule", "size": 4}
    saved(tmp_path / "grid.safetensors", 4, 16, task)
    (tmp_path / "grid.txt").write_text("1234\n3412\n2143\n4321\n")
    arguments = [str(tmp_path / name) for name in ("grid.safetensors", "grid.txt")]
    with pytest.warns(UserWarning, match="'confidence' takes nothing back, .*: --sampler threshold_remasking"):
        result = CliRunner().invoke(app, ["edit", *arguments, "--revise", "1-4"])
    assert result.exit_code == 0, result.output
    assert "lines 1-4: looked at, nothing written\nnothing has changed" in result.output
    assert "probability" not in result.output


def test_answer_that_breaks_a_rule_of_the_task_is_marked(tmp_path):
    task = {"_target_": "adaptive_diffusion.tasks.sudoku.SudokuDataModule", "size": 4}
    saved(tmp_path / "grid.safetensors", 4, 16, task)
    (tmp_path / "grid.txt").write_text("1134\n3412\n2143\n4321\n")
    arguments = ["edit", *(str(tmp_path / name) for name in ("grid.safetensors", "grid.txt")), "--rewrite", "4-4"]
    result = CliRunner().invoke(app, arguments)
    assert "; not valid: row 1 has the digit 1 more than once\n" in result.output
    [row] = json.loads(CliRunner().invoke(app, [*arguments, "--json"]).stdout)["variations"]
    assert row["violation"] == "row 1 has the digit 1 more than once"
    table = CliRunner().invoke(app, [*arguments, "-n", "2", "--sampler", "mdlm"], env={"COLUMNS": "160"})
    assert "seed 0 (not valid)" in table.output


@pytest.mark.filterwarnings("error:.*takes nothing back")
@pytest.mark.parametrize("arguments", [("--revise", "1-1", "--sampler", "threshold_remasking"), ("--rewrite", "2-2")])
def test_no_warning_where_tokens_are_taken_back_or_nothing_is_revised(edit, arguments):
    result = edit(*arguments)
    assert result.exit_code == 0, result.output


def test_task_without_an_editor_is_named(tmp_path):
    task = {"_target_": "adaptive_diffusion.tasks.prompts.PromptData", "path": "rows.jsonl"}
    saved(tmp_path / "prompts.safetensors", 257, 64, task)
    (tmp_path / "file.txt").write_text("text")
    result = CliRunner().invoke(app, ["edit", str(tmp_path / "prompts.safetensors"), str(tmp_path / "file.txt")])
    assert result.exit_code == 2
    assert "was trained on prompts_64, which has no editor" in result.stderr
