"""Prompts with a checker from one command: training, learned halting, comparison, report; then queries of a file."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from adaptive_diffusion.cli.app import app
from adaptive_diffusion.runs.trained_model import load_trained_model

SMALL = [
    "task.length=12",
    "task.answer_length=4",
    "task.difficulty=[carry]",
    "task.batch_size=16",
    "task.held_out_prompts=24",
    "model.denoiser.width=32",
    "model.denoiser.depth=1",
    "stages.denoiser.steps=4",
    "stages.denoiser.module.compile=null",
    "stages.remasking.steps=3",
    "stages.remasking.module.compile=null",
    "stages.remasking.module.training_states.0.rows=4",
    "stages.remasking.module.training_states.1.rows=4",
    "stages.remasking.module.training_states.2.rows=8",
    "stages.halting.steps=3",
    "stages.rollouts.queries=32",
    "stages.cost_aware.steps=3",
    "stages.evaluation.samplers=[confidence, 'threshold pace.threshold=0.8,0.9', learned]",
    "stages.evaluation.workers=1",
]

WITHOUT_REMASKING = [
    "stages.remasking=null",
    "stages.halting.after=denoiser",
    "stages.rollouts=null",
    "stages.cost_aware=null",
]


def command(*arguments: object):
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    assert result.exit_code == 0, result.output
    return result


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a file of additions, and a run on it."""
    folder = tmp_path_factory.mktemp("prompts")
    rows = [
        {"prompt": f"{a}+{b}=", "answer": str(a + b), "carry": int(a % 10 + b % 10 > 9)}
        for a in range(10, 40)
        for b in range(10, 40)
    ]
    (folder / "sums.jsonl").write_text("\n".join(map(json.dumps, rows)))
    (folder / "own_checkers_of_sums.py").write_text(
        "def close(answer, row):\n    return max(0.0, 1 - abs(int(answer) - int(row['answer'])) / 100)\n"
    )
    return folder


@pytest.fixture(scope="module")
def finished(folder: Path) -> Path:
    result = command("run", "prompts", f"task.path={folder / 'sums.jsonl'}", *SMALL, "--folder", folder / "run")
    assert "prompts: 7" in result.output
    return folder / "run"


def test_one_command_leaves_a_comparison_and_a_report(finished: Path):
    summary = json.loads((finished / "summary.json").read_text())
    assert [row["sampler"] for row in summary["samplers"]] == [
        "confidence",
        "threshold_0.8",
        "threshold_0.9",
        "learned",
    ]
    assert summary["comparison"]["best_unlearned"] == "threshold"
    assert summary["comparison"]["best_learned"] == summary["reference"]["policy"] == "learned"
    assert (finished / "report.html").stat().st_size > 10_000
    facts = json.loads((finished / "manifest.json").read_text())["stages"]["denoiser"]["facts"]
    assert len(facts["prompts_sha256"]) == 64


@pytest.mark.parametrize("ending", ["jsonl", "csv"])
def test_queries_with_and_without_answers_are_sampled_and_evaluated(finished: Path, tmp_path: Path, ending: str):
    queries = tmp_path / f"queries.{ending}"
    rows = '{"prompt": "10+11=", "answer": "21"}\n{"prompt": "11+12="}\n'
    queries.write_text(rows if ending == "jsonl" else "prompt,answer\n10+11=,21\n11+12=,\n")
    shown = command("sample", finished, "--queries", queries, "--sampler", "learned")
    assert "10+11=" in shown.output
    assert "11+12=" in shown.output
    assert "1 of 2 prompts have no answer" in shown.stderr
    [row] = json.loads(command("evaluate", finished, "--queries", queries, "--json").stdout)
    assert row["queries"] == 2


def test_file_that_cannot_be_trained_on_is_refused_before_the_first_training(folder: Path):
    (folder / "bad.jsonl").write_text('{"prompt": "1+1="}\n')
    path = f"task.path={folder / 'bad.jsonl'}"
    result = CliRunner().invoke(app, ["run", "prompts", path, "--folder", str(folder / "refused")])
    assert result.exit_code == 2
    assert "line 1: there is no column 'answer'" in result.stderr
    assert not (folder / "refused" / "checkpoints").exists()


SLOW = pytest.mark.slow


@pytest.mark.parametrize(
    "generator",
    ["spell_backward", pytest.param("chain_sum", marks=SLOW), pytest.param("number_sequence", marks=SLOW)],
)
def test_generator_of_reasoning_gym_is_trained_on_and_graded_as_text(tmp_path: Path, generator: str):
    pytest.importorskip("reasoning_gym", reason="needs the extra reasoning-gym")
    small = [setting for setting in SMALL if not setting.startswith(("task.length", "task.answer", "task.difficulty"))]
    task = [f"task=prompts_{generator}", "task.source.size=400"]
    command("run", "prompts", *task, *small, *WITHOUT_REMASKING, "stages.report=null", "--folder", tmp_path / "run")
    rows = json.loads((tmp_path / "run" / "summary.json").read_text())["samplers"]
    assert [row["sampler"] for row in rows] == ["confidence", "threshold_0.8", "threshold_0.9", "learned"]
    source = load_trained_model(tmp_path / "run")
    problems = source.data.test
    targets = source.task.targets(problems)
    assert targets is not None
    assert source.task.answers(targets, problems) == [row["answer"] for row in problems.row]
    assert source.task.correct(targets, problems).all()
    assert len(next(iter(source.task.difficulty(problems).values())).unique()) > 1


def test_checker_of_a_users_own_module_runs_through_training(folder: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(folder)
    own = "task.checker={_target_: own_checkers_of_sums.close, _partial_: true}"
    overrides = [f"task.path={folder / 'sums.jsonl'}", own, *SMALL, *WITHOUT_REMASKING, "stages.report=null"]
    command("run", "prompts", *overrides, "--allow-module", "own_checkers_of_sums", "--folder", folder / "own")
    assert (folder / "own" / "summary.json").is_file()
