"""HumanEval-Infilling: exact answers, tests in a process with limits, and no credit for blanks."""

import json

import pytest
import torch

from adaptive_diffusion.config import instantiate
from adaptive_diffusion.evaluation.program_tests import ProgramLimits, passes
from adaptive_diffusion.storage.checkpoint import save_checkpoint
from benchmarks.humaneval_infilling import main, rows_of, scores, share

ROW = {
    "prompt": "def double(x):\n    ",
    "canonical_solution": "return 2 * x",
    "suffix": "\n",
    "test": "def check(candidate):\n    assert candidate(2) == 4\n    assert candidate(3) == 6\n",
    "entry_point": "double",
}
LIMITS = ProgramLimits(seconds=2)


def test_only_right_answers_pass_and_blanks_score_nothing():
    blank = {**ROW, "canonical_solution": "  ", "prompt": "def double(x):\n    return 2 * x\n"}
    written = ["return 2 * x", "return x + x", "return x", "return (", "  "]
    found = scores([ROW] * 4 + [blank], written, LIMITS)
    assert found["exact"]["value"] == pytest.approx(1 / 5)
    assert found["passed"]["value"] == pytest.approx(2 / 5)
    assert "passed" not in scores([ROW], ["return 2 * x"], None)


def test_interval_of_a_share_is_wide_where_rows_are_few_and_no_answer_is_right():
    found = share([False, False])
    assert (found["value"], found["low"]) == (0, 0)
    assert found["high"] > 0.5
    assert share([True] * 50 + [False] * 50)["high"] == pytest.approx(0.5, abs=0.1)


@pytest.mark.parametrize(
    "line", ["{", "[]", '{"prompt": "a"}', '{"prompt": 1, "suffix": "", "canonical_solution": ""}']
)
def test_line_that_is_no_problem_is_one_sentence(tmp_path, line):
    (tmp_path / "rows.jsonl").write_text(f"{json.dumps(ROW)}\n{line}\n")
    with pytest.raises(ValueError, match=r"rows\.jsonl, line 2 "):
        rows_of(tmp_path / "rows.jsonl")


@pytest.mark.parametrize(
    "program",
    [
        "while True: pass",
        "raise SystemExit(0)",
        "import os; os._exit(0)",
        "x = [0] * (1 << 30)",
        "open('large', 'w').write('x' * (1 << 21))",
        "import time; time.sleep(60)",
        "import subprocess, sys; subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)']).wait()",
    ],
    ids=["endless", "exit", "exit at once", "memory", "file", "sleep", "child"],
)
def test_program_that_runs_away_or_leaves_early_fails(program):
    assert not passes(program, ProgramLimits(seconds=1))


def test_environment_and_folder_of_a_program_are_empty(monkeypatch):
    monkeypatch.setenv("SECRET", "1")
    assert passes("import os\nassert 'SECRET' not in os.environ and os.listdir('.') == []")


def test_rows_of_a_file_are_answered_and_long_ones_counted(tmp_path, capsys):
    node = {
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
    torch.manual_seed(0)
    task = {"_target_": "adaptive_diffusion.tasks.text.TextDataModule", "length": 48}
    save_checkpoint(tmp_path / "model.safetensors", instantiate(node), node, {"task": task})
    rows = [ROW, {**ROW, "prompt": ROW["prompt"] + "#" * 48}]
    (tmp_path / "rows.jsonl").write_text("\n".join(map(json.dumps, rows)))
    main([str(tmp_path / "model.safetensors"), str(tmp_path / "rows.jsonl"), "--run-tests", "--seconds", "1"])
    found = json.loads(capsys.readouterr().out)
    assert (found["rows"], found["too_long"], found["exact"]["value"], found["passed"]["value"]) == (1, 1, 0, 0)
