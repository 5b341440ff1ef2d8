"""What cannot work in any stage of a run is refused before the first training."""

import re

import pytest

from adaptive_diffusion.config import compose, compose_part, instantiate
from adaptive_diffusion.runs.dry_run import check_places
from adaptive_diffusion.runs.experiment import run_experiment
from adaptive_diffusion.storage.folder import RunFolder
from adaptive_diffusion.tasks.colouring import ColouringTask
from adaptive_diffusion.tasks.countdown import CountdownTask, Limits
from adaptive_diffusion.tasks.maze import MazeTask
from adaptive_diffusion.tasks.sudoku.task import SudokuTask
from adaptive_diffusion.tasks.text import TextTask

SMALL = [
    "task=sudoku_4x4",
    "model=sudoku_4x4",
    "task.batch_size=8",
    "stages.remasking=null",
    "stages.halting.after=denoiser",
    "stages.evaluation.samplers=[confidence, learned]",
]
BAD_RATE = "the optimiser or its schedule is refused: .*'str'.*; mend .*lr=1e-3, in optimizer=.*'lr': 'abc'"
ROWS = "stages.denoiser.module.training_states.0.rows=8"


def refused(folder, *overrides):
    """The sentence with which a run is refused; nothing has been trained."""
    with RunFolder(folder) as entered, pytest.raises(ValueError, match="stages|task") as caught:
        run_experiment(compose("quickstart", [*SMALL, *overrides]), entered, say=lambda line: None)
    assert not (folder / "checkpoints").exists()
    assert not (folder / "config.yaml").exists()
    return str(caught.value)


def test_task_is_tried_before_the_first_training(tmp_path, monkeypatch):
    monkeypatch.setattr(SudokuTask, "difficulty", lambda self, problems: {})
    assert "stages.denoiser: sudoku_4x4 declares the difficulty 'guesses'" in refused(tmp_path, ROWS)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        (["model.denoiser.vocabulary=3"], "stages.denoiser: the denoiser has 3 tokens, but the task sudoku_4x4 has 4"),
        (
            ["model.denoiser.positions.rows=3"],
            r"stages.denoiser: .*sudoku_4x4 has 16 positions, .* 12 places; set model.denoiser.positions.rows=4$",
        ),
        (["stages.halting.after=denoyser"], "stages.halting: 'denoyser' is not a checkpoint file, and no earlier"),
        (
            ["stages.denoiser.after=other"],
            "stages.denoiser: 'other' is not a .* no earlier stage writes a checkpoint; give",
        ),
        (["stages.evaluation.checkpoint=remasking"], "stages.evaluation: 'remasking' is not a checkpoint file"),
        (["stages.evaluation.samplers=[learned, uniform]"], "stages.evaluation: sampler uniform: .*serves uniform"),
        (
            ["stages.evaluation.samplers=[confidence, restart]", "stages.evaluation.policy=restart"],
            "stages.evaluation: the policy 'restart': Restart gives the best of several tries.*policy=null",
        ),
        (["stages.evaluation.samplers=[confidence]"], "stages.evaluation: the policy 'learned' is not among"),
        (["~model.heads.halting", "stages.halting=null"], "sampler learned: LearnedHalting needs the head 'halting'"),
        (["model.denoiser.depth=six"], "denoiser: TransformerDenoiser: depth='six' is no whole number; give one"),
        (["stages.denoiser.steps=0"], "stages.denoiser: steps=0 trains nothing; use at least 1"),
        (["task.batch_size=0"], "^task: batch_size must be at least 1, not 0"),
        (["stages.denoiser.save_every=0"], "stages.denoiser: save_every=0 saves no state .*use at least 1"),
        (["stages.denoiser.average=1.5"], "stages.denoiser: average=1.5 is no decay .*from 0 to 1"),
        (["stages.denoiser.average=-1"], "stages.denoiser: average=-1.* is no decay"),
        (
            ["stages.denoiser.optimizer.lr=abc"],
            f"stages.denoiser: {BAD_RATE}",
        ),
        (["+stages.denoiser.clip=-1"], "stages.denoiser: clip=-1.* is no norm of gradients; use 0"),
        (
            ["stages.cost_aware.optimizer.lr=abc"],
            f"stages.cost_aware: {BAD_RATE}",
        ),
        (["model.denoiser.width=0"], "stages.denoiser: denoiser: width=0 makes no transformer; use at least 1"),
        (["model.denoiser.heads=0"], "stages.denoiser: denoiser: heads=0 makes no transformer"),
        (["stages.cost_aware.steps=0"], "stages.cost_aware: steps=0 trains nothing; use at least 1"),
        (
            ["~model.heads.halting", "stages.halting.module.trainable=null", "stages.cost_aware=null"],
            "stages.halting: the model has no head 'halting'; its heads are: quality",
        ),
        (
            ["model=sudoku_6x6_small"],
            "sudoku_4x4 has 16 positions, but the denoiser has 36 places, of another board; set .*rows=4 .*columns=4",
        ),
        (["task.batch_size=9"], "stages.denoiser: the rows of the training states add up to 8, but a batch has 9"),
        (
            ["+stages.joined={_target_: adaptive_diffusion.runs.stages.Join, parts: {planner: denoiser}}"],
            "stages.joined: parts.planner: the weights of denoiser do not fit",
        ),
    ],
)
def test_parts_that_do_not_fit_are_refused_before_the_first_training(tmp_path, changes, sentence):
    found = refused(tmp_path, ROWS, *changes)
    assert re.search(sentence, found), found


@pytest.mark.parametrize(
    ("model", "task", "changes"),
    [
        ("countdown", CountdownTask(Limits(5)), "rows=5"),
        ("colouring_12", ColouringTask(20, 3), "size=20"),
        ("maze", MazeTask(9, 11), "columns=11"),
        ("molecules", TextTask(65), "length=65"),
        ("prompts_twin", TextTask(1025), "length=1025"),
    ],
)
def test_sequence_with_more_positions_than_the_model_has_places_names_the_settings(model, task, changes):
    node = compose_part("model", model)
    with pytest.raises(ValueError, match=f"has {task.length} positions, .*set model.denoiser.positions.{changes}$"):
        check_places(instantiate(node), node, task)


def test_model_without_settings_that_would_fit_is_refused_all_the_same():
    node = compose_part("model", "maze")
    with pytest.raises(ValueError, match="set model.denoiser.positions to as many places, or take the model config"):
        check_places(instantiate(node), {}, TextTask(82))
