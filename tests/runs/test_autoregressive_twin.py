"""The autoregressive twin of a denoiser, on any task: trained, and judged by the task's verifier."""

import json
from pathlib import Path

import pytest
import torch

from adaptive_diffusion.config import compose, compose_part
from adaptive_diffusion.models.transformer import TransformerDenoiser
from adaptive_diffusion.rules.order import LeftToRight
from adaptive_diffusion.runs.experiment import run_experiment
from adaptive_diffusion.runs.trained_model import load_trained_model
from adaptive_diffusion.storage.folder import RunFolder

GRID = ["task=sudoku_4x4", "model=sudoku_4x4", "task.test_puzzles=16"]
HERE = "stages.evaluation.workers=1"
TINY = [
    *(
        "task=countdown_3",
        "task.largest_number=5",
        "task.least_target=1",
        "task.largest=25",
        "task.largest_target=25",
        "model=countdown",
    ),
    *("model.denoiser.vocabulary=32", "model.denoiser.width=32", "model.denoiser.depth=1", "model.denoiser.heads=2"),
    "task.held_out_problems=16",
]


def twin(path: Path, *overrides: str) -> Path:
    with RunFolder(path) as folder:
        config = compose("autoregressive_twin", overrides)
        run_experiment(config, folder, say=lambda line: None)
    return path


SMALL_MAZE = [
    *("task=maze_9x9", "task.rows=5", "task.columns=5", "task.test_mazes=16", "task.validation_mazes=16"),
    *("model=maze", "model.denoiser.positions.rows=5", "model.denoiser.positions.columns=5", "model.denoiser.depth=1"),
]
FORMULAS = ["task=satisfiability_9", "model=satisfiability", "model.denoiser.depth=1", "task.held_out_problems=16"]
GRAPHS = [
    *("task=colouring_12", "task.test_graphs=16", "task.validation_graphs=16"),
    *("model=colouring_12", "model.denoiser.depth=1"),
]


@pytest.mark.parametrize(
    ("task", "tokens"),
    [(GRID, (6, 12)), (TINY, (7, 7)), (SMALL_MAZE, (1, 25)), (FORMULAS, (9, 9)), (GRAPHS, (8, 11))],
    ids=["sudoku", "countdown", "maze", "satisfiability", "colouring"],
)
def test_twin_of_a_task_is_trained_and_draws_one_token_per_forward(tmp_path, task, tokens):
    if task is FORMULAS:
        pytest.importorskip("pysat", reason="needs the extra tasks")
    path = twin(tmp_path / "twin", *task, "task.batch_size=16", "steps=2", HERE)
    (row,) = json.loads((path / "summary.json").read_text())["samplers"]
    assert row["sampler"] == "left_to_right"
    assert tokens[0] <= row["nfe_mean"] <= row["nfe_max"] <= tokens[1]
    assert 0 <= row["correct"] <= 1
    assert (path / "report.html").is_file()


def test_twin_of_prompts_is_trained_on_a_file_and_graded_by_its_checker(tmp_path):
    rows = [{"prompt": f"{a}+{b}=", "answer": str(a + b)} for a in range(10, 30) for b in range(10, 30)]
    (tmp_path / "sums.jsonl").write_text("\n".join(map(json.dumps, rows)))
    prompts = ["task=prompts", f"task.path={tmp_path / 'sums.jsonl'}", "task.length=12", "task.answer_length=4"]
    small = ["task.held_out_prompts=16", "task.batch_size=16", "model.denoiser.width=32", "model.denoiser.depth=1"]
    path = twin(tmp_path / "twin", *prompts, "model=prompts_twin", *small, "steps=2", HERE)
    (row,) = json.loads((path / "summary.json").read_text())["samplers"]
    assert row["sampler"] == "left_to_right"
    assert 1 <= row["nfe_mean"] <= row["nfe_max"] <= 4
    assert 0 <= row["correct"] <= 1


def test_twin_of_prompts_has_the_size_of_their_denoiser():
    sizes = ("vocabulary", "width", "depth", "heads", "positions")
    twin_node, node = (compose_part("model", name)["denoiser"] for name in ("prompts_twin", "prompts"))
    assert {name: twin_node[name] for name in sizes} == {name: node[name] for name in sizes}


@pytest.mark.slow
def test_twin_learns_grids_of_four(tmp_path):
    path = twin(tmp_path / "twin", *GRID, "task.test_puzzles=200", "task.batch_size=128", "steps=400", HERE)
    (row,) = json.loads((path / "summary.json").read_text())["samplers"]
    assert row["valid"] > 0.5


def test_twin_has_the_parameters_of_its_denoiser_but_for_the_embedding_of_the_status(tmp_path):
    path = twin(
        tmp_path / "twin", *TINY, "task.batch_size=16", "steps=1", "stages.evaluation=null", "stages.report=null"
    )
    model = load_trained_model(path / "checkpoints" / "twin.safetensors").model
    shapes = {name: weight.shape for name, weight in model.denoiser.named_parameters()}
    positions = model.denoiser.positions
    rival = TransformerDenoiser(32, type(positions)(positions.coordinates.tolist()), width=32, depth=1, heads=2)
    theirs = {name: weight.shape for name, weight in rival.named_parameters()}
    assert shapes.keys() - theirs.keys() == {"predicted.weight"}
    assert theirs.keys() - shapes.keys() == {"status.weight"}
    assert all(shapes[name] == theirs[name] for name in shapes.keys() & theirs.keys())


def test_prediction_of_a_training_step_is_that_of_the_sampler(tmp_path):
    """The answer that argmax gives position by position is a fixed point of the teacher-forced prediction."""
    path = twin(
        tmp_path / "twin", *GRID, "task.batch_size=16", "steps=2", "stages.evaluation=null", "stages.report=null"
    )
    source = load_trained_model(path / "checkpoints" / "twin.safetensors")
    problems = source.data.test.take(slice(4))
    queries = source.task.queries(problems)
    sampler = source.sampler("left_to_right")
    assert sampler.order == LeftToRight()
    answers = sampler.sample(queries).answers
    hidden = source.model.denoiser.hidden(answers, queries.editable)
    predicted = source.model.logits(hidden.flatten(0, 1)).argmax(-1).view_as(answers)
    assert torch.equal(predicted[queries.editable], answers[queries.editable])
