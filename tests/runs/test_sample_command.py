"""The `sample` command: answers for people to read."""

import re

import pytest
import torch
from typer.testing import CliRunner

from adaptive_diffusion.cli.app import app
from adaptive_diffusion.config import instantiate
from adaptive_diffusion.storage.checkpoint import save_checkpoint

MODEL = {
    "_target_": "adaptive_diffusion.models.heads.DenoiserWithHeads",
    "denoiser": {
        "_target_": "adaptive_diffusion.models.transformer.TransformerDenoiser",
        "vocabulary": 4,
        "width": 16,
        "depth": 1,
        "heads": 2,
        "positions": {"_target_": "adaptive_diffusion.models.positions.LearnedPositions.line", "length": 16},
    },
}
TASK = {"_target_": "adaptive_diffusion.tasks.sudoku.SudokuDataModule", "size": 4}


@pytest.fixture
def sample(tmp_path):
    torch.manual_seed(0)
    save_checkpoint(tmp_path / "grid.safetensors", instantiate(MODEL), MODEL, {"task": TASK})
    queries = tmp_path / "puzzles.txt"

    def run(puzzle, *options):
        queries.write_text(f"{puzzle}\n")
        arguments = ["sample", str(tmp_path / "grid.safetensors"), "--queries", str(queries), *options]
        return CliRunner().invoke(app, arguments, color=True)

    return run


def test_answer_that_is_not_valid_is_red_and_has_its_reason(sample):
    with pytest.warns(UserWarning, match="all 2 variations are the same, .*'confidence' draws nothing"):
        result = sample("1...3...........", "-n", "2")
    assert result.exit_code == 0, result.output
    reason = re.compile(r"; not valid: (row|column|box) \d has the digit \d more than once\n")
    wrong = [part for part in result.stdout.split("\x1b[0m") if reason.search(part)]
    assert len(wrong) == 2
    assert all(part.strip().startswith("\x1b[31m") for part in wrong)


def test_address_of_a_cluster_without_its_engine_is_refused(sample):
    result = sample("1...3...........", "--address", "ray://head:1")
    assert result.exit_code == 2
    assert "--address ray://head:1 is of a Ray cluster: add --engine ray" in result.output


@pytest.mark.filterwarnings("error:.*draws nothing")
def test_variations_of_a_sampler_that_draws_differ_and_a_valid_one_is_not_marked(sample):
    result = sample("1.34341221434321", "-n", "12", "--sampler", "mdlm")
    assert result.exit_code == 0, result.output
    valid = [part for part in result.stdout.split("query 0, ") if "not valid" not in part and "variation" in part]
    assert 0 < len(valid) < 12
    assert all("1 2 | 3 4" in part and "\x1b[31m" not in part.split("\n1 2")[0] for part in valid)
