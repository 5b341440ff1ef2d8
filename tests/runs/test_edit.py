"""The `edit` command, from a checkpoint to texts."""

import json

import pytest
import torch
from typer.testing import CliRunner

from adaptive_diffusion.cli.app import app
from adaptive_diffusion.config import instantiate
from adaptive_diffusion.runs.edit import EditSpec
from adaptive_diffusion.storage.checkpoint import save_checkpoint
from adaptive_diffusion.tasks.text.edits import Change

TEXT = b"first line\nsecond line\nthird line\n"
MODEL = {
    "_target_": "adaptive_diffusion.models.heads.DenoiserWithHeads",
    "denoiser": {
        "_target_": "adaptive_diffusion.models.transformer.TransformerDenoiser",
        "vocabulary": 257,
        "width": 16,
        "depth": 1,
        "heads": 2,
        "positions": {"_target_": "adaptive_diffusion.models.positions.RotaryPositions.line", "length": 48},
    },
}
TASK = {"_target_": "adaptive_diffusion.tasks.text.TextDataModule", "length": 48}


@pytest.fixture
def edit(tmp_path):
    torch.manual_seed(0)
    save_checkpoint(tmp_path / "model.safetensors", instantiate(MODEL), MODEL, {"task": TASK})
    (tmp_path / "file.txt").write_bytes(TEXT)
    source, file = str(tmp_path / "model.safetensors"), str(tmp_path / "file.txt")
    return lambda *arguments: CliRunner().invoke(app, ["edit", source, file, *arguments])


def test_variations_are_shown_as_differences_and_counted(edit):
    result = edit("--rewrite", "2-2", "-n", "3", "--sampler", "mdlm")
    assert result.exit_code == 0, result.output
    assert [f"seed {seed}: " in result.output for seed in range(3)] == [True] * 3
    assert "-second line" in result.output
    assert "of 3 differ" in result.output


def test_as_json_and_as_files_the_texts_are_whole(edit, tmp_path):
    result = edit("--rewrite", "2-2=5", "--delete", "0:6", "--seed", "4", "--json", "--out", str(tmp_path / "out"))
    assert result.exit_code == 0, result.output
    [variation] = json.loads(result.stdout)["variations"]
    assert variation["seed"] == 4
    written = (tmp_path / "out" / "file.4.txt").read_bytes()
    assert written.startswith(b"line\n")
    assert written.endswith(b"third line\n")
    assert (tmp_path / "file.txt").read_bytes() == TEXT


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ((), "nothing is to be changed"),
        (("--rewrite", "3-9"), "lines 3-9 are not in the text, which has 3"),
        (("--rewrite", "two"), "'two' is no span"),
        (("--insert", "5"), "'5' is no insertion"),
        (("--insert", "start+999"), "the sequence holds 48"),
    ],
)
def test_a_wish_that_cannot_be_met_is_one_sentence(edit, arguments, sentence):
    result = edit(*arguments)
    assert result.exit_code == 2
    assert sentence in result.stderr


def test_wishes_are_read_as_bytes_lines_and_ends():
    wishes = EditSpec(["0:5=9"], ["3-3"], ["start+2", "end+3", "7+1"], ["1-2"])
    assert wishes.changes(TEXT) == [
        Change(0, 5, 9),
        Change(23, 34, revise=True),
        Change(0, 23, 0),
        Change(0, 0, 2),
        Change(34, 34, 3),
        Change(7, 7, 1),
    ]
