"""The stages of an experiment, small: a 4×4 board, a narrow denoiser, a few steps."""

import json
import shutil
import warnings
from pathlib import Path

import pytest
import torch

from adaptive_diffusion.config import compose
from adaptive_diffusion.core.trace import read_trace
from adaptive_diffusion.evaluation.replay import Replay
from adaptive_diffusion.runs.counterfactual_rollouts import read_counterfactual_rollouts
from adaptive_diffusion.runs.evaluate import evaluate_file
from adaptive_diffusion.runs.experiment import run_experiment
from adaptive_diffusion.runs.query_job import QueryJob
from adaptive_diffusion.runs.sample import sample_file
from adaptive_diffusion.runs.stages.evaluation import sentences
from adaptive_diffusion.runs.trained_model import load_trained_model
from adaptive_diffusion.storage.checkpoint import load_checkpoint, read_header
from adaptive_diffusion.storage.folder import RunFolder
from adaptive_diffusion.training.progress import StepLog

SMALL = [
    "task=sudoku_4x4",
    "model=sudoku_4x4",
    "task.batch_size=32",
    "task.test_puzzles=24",
    "stages.denoiser.steps=6",
    "stages.denoiser.save_every=2",
    "stages.denoiser.module.compile=null",
    "stages.denoiser.module.training_states.0.rows=32",
    "stages.remasking.steps=6",
    "stages.remasking.save_every=2",
    "stages.remasking.module.compile=null",
    "stages.remasking.module.training_states.0.rows=8",
    "stages.remasking.module.training_states.1.rows=8",
    "stages.remasking.module.training_states.2.rows=16",
    "stages.halting.steps=3",
    "stages.rollouts.queries=32",
    "stages.cost_aware.steps=3",
    "stages.halting.module.training_states.0.rows=32",
    "stages.evaluation.samplers=[confidence, 'fixed pace.steps=4', 'threshold pace.threshold=0.9', learned]",
    "stages.evaluation.workers=1",
]
PUZZLES = "1234341221434321:0:\n.2343412214343.1\n"


def run(path: Path, *overrides: str) -> None:
    with RunFolder(path) as folder:
        run_experiment(compose("quickstart", [*SMALL, *overrides]), folder, say=lambda line: None)


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("runs") / "small"
    run(path)
    return path


def test_a_run_leaves_all_that_is_promised(finished: Path) -> None:
    for name in ("config.yaml", "manifest.json", "metrics.csv", "summary.json", "report.html"):
        assert (finished / name).is_file(), name
    assert {path.stem for path in (finished / "checkpoints").iterdir()} == {
        "denoiser",
        "remasking",
        "halting",
        "cost_aware",
    }
    assert list((finished / "figures").glob("*.png"))


def test_checkpoints_name_the_heads_that_were_not_trained(finished: Path) -> None:
    untrained = {path.stem: set(read_header(path).untrained) for path in (finished / "checkpoints").iterdir()}
    assert untrained == {
        "denoiser": {"quality", "halting"},
        "remasking": {"halting"},
        "halting": set(),
        "cost_aware": set(),
    }


def test_sampler_that_decides_by_an_untrained_head_is_warned_of(finished: Path) -> None:
    source = load_trained_model(finished / "checkpoints" / "denoiser.safetensors")
    with pytest.warns(UserWarning, match="heads that no stage has trained: halting. Train them, or choose"):
        source.sampler("learned")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        source.sampler("confidence")
        load_trained_model(finished).sampler("learned")


def test_the_summary_has_a_row_for_each_sampler(finished: Path) -> None:
    rows = json.loads((finished / "summary.json").read_text())["samplers"]
    assert [row["sampler"] for row in rows] == ["confidence", "fixed_4", "threshold_0.9", "learned"]
    for row in rows:
        assert {
            "family",
            "correct",
            "exact",
            "valid",
            "score",
            "distinct",
            "nfe_mean",
            "nfe_p95",
            "nfe_max",
            "steps_mean",
            "seconds",
            "queries",
        } <= row.keys()
        assert row["queries"] == 24
        assert 0 <= row["exact"] <= row["valid"] == row["correct"] <= 1


def test_a_trace_played_again_gives_the_answers(finished: Path) -> None:
    for folder in (finished / "traces").iterdir():
        trace = read_trace(folder)
        replay = Replay.of(trace)
        assert replay.correct is not None
        assert (replay.correct[:, -1] == trace.rows["correct"].to_numpy()).all(), folder.name
        assert (replay.end == replay.answer).all(), folder.name


def test_the_policy_is_held_against_chance_on_its_own_trajectories(finished: Path) -> None:
    trace, past = read_trace(finished / "traces" / "learned"), read_counterfactual_rollouts(finished, "learned")
    assert past is not None
    steps, rows = Replay.of(trace).steps, trace.rows
    table = past.of(rows["query"].to_numpy())
    quality, cost = table.at(steps)
    assert (quality == rows["correct"].to_numpy()).all()
    assert (cost == rows["nfe"].to_numpy()).all()
    assert table.longest >= steps.max()
    assert read_counterfactual_rollouts(finished, "confidence") is None
    assert "Comparison with a random halting rule" in (finished / "report.html").read_text()


@pytest.mark.parametrize("left_out", [["evaluation"], ["report"], ["halting", "evaluation"]])
def test_later_stages_cope_with_a_stage_that_is_left_out(finished: Path, tmp_path: Path, left_out: list[str]) -> None:
    (tmp_path / "run").mkdir()
    for name in ("checkpoints", "logs"):
        shutil.copytree(finished / name, tmp_path / "run" / name)
    if "halting" in left_out:  # then nothing is left that the rollouts could be recorded with
        left_out = [*left_out, "rollouts", "cost_aware"]
    started = [f"stages.{name}=null" for name in ("denoiser", "remasking", *left_out)]
    changes = ["stages.halting.after=remasking", "stages.halting.steps=1"] if "halting" not in left_out else []
    run(tmp_path / "run", *changes, *started)
    assert (tmp_path / "run" / "summary.json").is_file() == ("evaluation" not in left_out)
    assert not (tmp_path / "run" / "report.html").exists()


def test_a_second_run_trains_nothing(finished: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(StepLog, "on_train_start", lambda *_: pytest.fail("a finished stage was trained again"))
    run(finished)


class Interrupted(KeyboardInterrupt):
    """A Ctrl-C at a chosen step."""


@pytest.mark.parametrize(("stage", "step"), [("denoiser", 5), ("remasking", 5), ("remasking", 6)])
def test_an_interrupted_stage_goes_on_to_the_same_weights(
    finished: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stage: str, step: int
) -> None:
    def stop(callback: StepLog, trainer, *_) -> None:
        if callback.name == stage and trainer.global_step == step:
            raise Interrupted

    with monkeypatch.context() as patched:
        patched.setattr(StepLog, "on_train_batch_end" if step < 6 else "on_train_end", stop)
        with pytest.raises(Interrupted):  # itself, since it decides on the exit status
            run(tmp_path / "cut", "stages.halting=null", "stages.evaluation=null", "stages.report=null")
    run(tmp_path / "cut", "stages.halting=null", "stages.evaluation=null", "stages.report=null")
    ours, complete = (
        load_checkpoint(path / "checkpoints/remasking.safetensors") for path in (tmp_path / "cut", finished)
    )
    for name, weight in complete.state_dict().items():
        assert torch.equal(ours.state_dict()[name], weight), name


def test_stages_that_only_train_heads_leave_the_denoiser_as_it_was(finished: Path) -> None:
    before, after = (load_checkpoint(finished / f"checkpoints/{name}.safetensors") for name in ("remasking", "halting"))
    changed = {
        ".".join(name.split(".")[:2])
        for name, weight in before.state_dict().items()
        if not torch.equal(weight, after.state_dict()[name])
    }
    assert changed == {"heads.halting"}


def test_a_file_of_puzzles_is_evaluated_and_answered(finished: Path, tmp_path: Path) -> None:
    puzzles = tmp_path / "puzzles.txt"
    puzzles.write_text(PUZZLES)
    ((row,), _) = evaluate_file(QueryJob(finished, puzzles), ["learned"])
    assert (row["sampler"], row["queries"]) == ("learned", 2)
    first, second = sample_file(QueryJob(finished, puzzles), "confidence")
    assert "query 0" in first.text
    assert "2 NFE" in second.text


@pytest.mark.parametrize(
    ("difference", "words"),
    [(-0.002, "is 0.20 points below it"), (0.002, "is 0.20 points above it"), (0.0, "is as accurate")],
)
def test_sentence_of_a_comparison_has_no_signed_number(difference, words):
    found = {"policy": "learned", "reference": "confidence", "difference": {"value": difference}, "nfe_share": 0.25}
    assert sentences({"reference": found}) == [f"learned uses 25% of the NFE of confidence and {words}."]
