"""Six things as a user adds them: a task, a denoiser, a halting rule with its head, a loss, a remasking rule, a stage.

Each is one module and one config in `project`, a user's folder. Nothing in the package is edited for them.
"""

import json
from contextlib import chdir
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

import adaptive_diffusion as ad
from adaptive_diffusion.cli.app import app

PROJECT = Path(__file__).parent / "project"
MODULES = ("countdown", "convolution", "few_errors", "confidence_penalty", "fallen", "one_forward")
ALLOW = [f"--allow-module={module}" for module in MODULES]
FEW_ERRORS = "few_errors=threshold +halting._target_=few_errors.FewErrors"
SMALL = [
    *(f"stages.{stage}.steps=2" for stage in ("denoiser", "remasking", "halting")),
    *(f"stages.{stage}.module.compile=null" for stage in ("denoiser", "remasking")),
    "stages.rollouts.queries=32",
    "stages.cost_aware.steps=2",
    "task.batch_size=128",
    "model.denoiser.width=8",
]
FEW = [
    "task.validation_puzzles=8",
    "task.test_puzzles=8",
    "task.stratified_puzzles=8",
    "stages.evaluation.workers=1",
]
SUDOKU = "023456406123214065365204531042642501\n"


def command(*arguments: object) -> str:
    """What a command prints on standard output that was called in the user's folder."""
    with chdir(PROJECT):
        result = CliRunner().invoke(app, [*map(str, arguments)])
    assert result.exit_code == 0, result.output
    return result.stdout


@dataclass(frozen=True)
class Run:
    """A finished run, a file of queries for it, and its samplers that are the user's."""

    folder: Path
    queries: Path
    samplers: tuple[str, ...]


@pytest.fixture(scope="module")
def countdown(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """The user's task, with the user's remasking rule among its samplers."""
    folder = tmp_path_factory.mktemp("countdown")
    (folder / "queries.txt").write_text("3 5 7 56\n1 2 3 9\n")
    samplers = "stages.evaluation.samplers=[confidence, learned, fallen]"
    changes = [
        *SMALL,
        "model.denoiser.depth=1",
        "model.denoiser.heads=2",
        "+task.held_out_problems=8",
        "stages.evaluation.workers=1",
        samplers,
    ]
    command("run", "countdown", *changes, "--folder", folder / "run", *ALLOW)
    return Run(folder / "run", folder / "queries.txt", ("fallen",))


@pytest.fixture(scope="module")
def few_errors(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """The user's denoiser, and the user's halting rule with its head."""
    folder = tmp_path_factory.mktemp("few_errors")
    (folder / "queries.txt").write_text(SUDOKU)
    command("run", "few_errors", "model=convolution", *SMALL, *FEW, "--folder", folder / "run", *ALLOW)
    return Run(folder / "run", folder / "queries.txt", (FEW_ERRORS, "fallen"))


@pytest.fixture(params=["countdown", "few_errors"])
def run(request: pytest.FixtureRequest) -> Run:
    return request.getfixturevalue(request.param)


def test_run_ends_with_a_report(run):
    page = (run.folder / "report.html").read_text()
    names = [row["sampler"] for row in json.loads((run.folder / "summary.json").read_text())["samplers"]]
    assert all(name in page for name in names)
    assert {"fallen", "few_errors"} & set(names)


def test_evaluate_compares_the_samplers_of_the_user(run):
    samplers = [f"--sampler={name}" for name in run.samplers]
    rows = json.loads(command("evaluate", run.folder, "--queries", run.queries, *samplers, "--json", *ALLOW))
    assert [row["sampler"] for row in rows] == [name.partition("=")[0] for name in run.samplers]
    assert all(row["nfe_mean"] >= 1 for row in rows)


def test_sample_prints_answers(run):
    printed = command("sample", run.folder, "--queries", run.queries, "--sampler", run.samplers[0], *ALLOW)
    assert printed.startswith("query 0, variation 0: ")


def test_answers_of_the_task_are_printed_in_its_notation(countdown):
    printed = command("sample", countdown.folder, "--queries", countdown.queries, *ALLOW)
    assert printed.splitlines()[1].endswith(" = 56")


def test_halting_rule_gives_its_own_sentence(few_errors):
    sampler = f"{FEW_ERRORS} +halting.most=1000"
    printed = command("sample", few_errors.folder, "--queries", few_errors.queries, "--sampler", sampler, *ALLOW)
    assert "query 0, variation 0: 1 NFE, hardly any token of the answer is expected to be wrong" in printed


def test_trace_explains_a_step_in_the_words_of_the_rule(few_errors, tmp_path):
    sampler = f"{FEW_ERRORS} +halting.most=0.001 pace.threshold=0.0"
    arguments = ["--queries", few_errors.queries, "--sampler", sampler, "--trace", tmp_path, *ALLOW]
    command("sample", few_errors.folder, *arguments)
    assert "wrong tokens are expected; it stops at 0.00" in command("explain", tmp_path, 0)


def test_trace_explains_a_problem_on_the_board_of_its_task(countdown, tmp_path):
    samplers = ["--sampler", "fallen", "--sampler", "confidence"]
    command("evaluate", countdown.folder, "--queries", countdown.queries, *samplers, "--trace", tmp_path, *ALLOW)
    printed = command("explain", tmp_path, 1, "--sampler", "fallen")
    assert printed.startswith("problem 1, variation 0: ")
    assert "at the start\n    1  2  3\n" in printed


def test_analyze_groups_by_the_difficulty_of_the_task(countdown, tmp_path):
    sheets = json.loads(command("analyze", countdown.folder, "--by", "misses", "--out", tmp_path / "a", "--json"))
    assert any("expressions of 54 that miss the target" in json.dumps(sheet) for sheet in sheets)


def test_analyze_counts_the_reason_of_the_rule(few_errors, tmp_path):
    assert command("analyze", few_errors.folder, "--by", "halt_reason", "--out", tmp_path / "a")


def test_ablate_tries_settings_of_the_rule(run, tmp_path):
    setting = "remasking.share=0.3,0.6"
    arguments = ["sampler=fallen", setting, "--workers=1", "--folder", tmp_path / "sweep", "--json", *ALLOW]
    rows = json.loads(command("ablate", run.folder, *arguments, "--queries", run.queries))
    assert len(rows) == 2


def test_exported_model_is_loaded_with_the_task_and_heads_of_the_user(run, tmp_path):
    command("export", run.folder, tmp_path / "exported")
    snippet = (tmp_path / "exported" / "README.md").read_text().split("```python\n")[1].split("```")[0]
    names: dict[str, Any] = {}
    exec(snippet.replace("OWNER/NAME", str(tmp_path / "exported")), names)
    model = names["model"]
    queries = ad.read_queries(run.queries, model.task)
    result = ad.Sampler(model, pace=ad.pace.Threshold(0.5)).sample(queries, n=2)
    assert result.answers.shape == (2 * len(queries), model.task.length)


def test_edit_uses_denoiser_and_rules_of_the_user_on_text(tmp_path):
    text = tmp_path / "corpus" / "0.txt"
    text.parent.mkdir()
    for number in range(100):
        text.with_stem(str(number)).write_text(f"The quick brown fox jumps over {number} lazy dogs.\n" * 4)
    corpus = f"task.corpus={{_target_: adaptive_diffusion.tasks.text.corpora.TextFiles, paths: ['{text.parent}']}}"
    sizes = [*SMALL, "task.length=64", "model.denoiser.vocabulary=258", corpus]
    command("train", "few_errors", "task=text", "model=convolution", *sizes, "--folder", tmp_path / "run", *ALLOW)
    for sampler in (FEW_ERRORS, "fallen"):
        printed = command("edit", tmp_path / "run", text, "--rewrite=4:9", "--sampler", sampler, "--json", *ALLOW)
        (made,) = json.loads(printed)["variations"]
        assert made["text"].startswith("The ")
        assert made["text"].endswith(text.read_text()[9:])


def test_rules_that_stop_are_compared_on_the_task_of_the_user(countdown: Run, tmp_path: Path):
    heads = ("solved", "cost_aware", "agreement", "agreement_cost_aware")
    changes = [
        *(f"stages.{head}.steps=2" for head in heads),
        *("stages.rollouts.queries=24", "stages.rollouts.held_out=8", "stages.rollouts.max_steps=4"),
        "stages.measures.baselines=['fixed pace.steps=1,3']",
    ]
    command(
        "run", "when_learning_to_stop_pays", f"checkpoint={countdown.folder}", *changes, "--folder", tmp_path, *ALLOW
    )
    summary = json.loads((tmp_path / "summary.json").read_text())
    assert summary["task"] == ad.load(countdown.folder, allow=MODULES).task.name
    assert "answer_probability" in summary["comparisons"]


def without(*stages: str) -> list[str]:
    """The changes of a small quickstart that leaves out these stages."""
    small = [change for change in SMALL if change.partition(".")[2].partition(".")[0] not in stages]
    return [*small, *FEW[:3], *(f"stages.{stage}=null" for stage in stages)]


def test_objective_of_the_user_changes_the_trained_denoiser(tmp_path: Path):
    changes = without("remasking", "halting", "rollouts", "cost_aware", "evaluation", "report")
    weights = []
    for weight in (0, 10):
        penalty = f"stages.denoiser.module.objectives.1.weight={weight}"
        command("run", "confidence_penalty", *changes, penalty, "--folder", tmp_path / str(weight), *ALLOW)
        weights.append(ad.load(tmp_path / str(weight), allow=MODULES).denoiser.state_dict())
    assert any(not weights[0][name].equal(weights[1][name]) for name in weights[0])


def test_stage_of_the_user_runs_before_the_report(tmp_path: Path):
    changes = without("remasking", "halting", "rollouts", "cost_aware", "evaluation")
    command("run", "one_forward", *changes, "--folder", tmp_path, *ALLOW)
    assert 0 <= json.loads((tmp_path / "one_forward.json").read_text())["correct"] <= 1
    stages = json.loads((tmp_path / "manifest.json").read_text())["stages"]
    assert list(stages) == ["denoiser", "one_forward", "page"]
