"""The experiment on when learning to stop pays, small, from a checkpoint to its figure."""

import importlib.util
import json
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch

from adaptive_diffusion.config import compose, instantiate, resolve
from adaptive_diffusion.config.composition import compose_part
from adaptive_diffusion.evaluation.answers import read_answers
from adaptive_diffusion.runs.experiment import run_experiment, with_samplers
from adaptive_diffusion.runs.halting_rules import trials
from adaptive_diffusion.storage.checkpoint import save_checkpoint
from adaptive_diffusion.storage.folder import RunFolder

HERE = Path(__file__).parents[2] / "experiments" / "when_learning_to_stop_pays"
HEADS = ["solved", "cost_aware", "agreement", "agreement_cost_aware"]
SMALL = [
    *("stages.rollouts.queries=60", "stages.rollouts.held_out=30", "stages.rollouts.max_steps=12"),
    *(f"stages.{head}.steps=4" for head in HEADS),
    "stages.measures.baselines=['fixed pace.steps=1,4','threshold pace.threshold=0.5,0.9']",
]


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Two seeds on an untrained model of 4×4 Sudoku."""
    node = resolve(compose_part("model", "sudoku_4x4"))
    task = {"_target_": "adaptive_diffusion.tasks.sudoku.SudokuDataModule", "size": 4, "batch_size": 64}
    task |= {"clues": [12, 14], "validation_puzzles": 40, "test_puzzles": 40, "stratified_puzzles": 0}
    folder = tmp_path_factory.mktemp("runs")
    found = []
    for seed in (0, 1):
        torch.manual_seed(seed)
        save_checkpoint(folder / f"model_{seed}.safetensors", instantiate(node), node, {"task": task})
        changes = [f"checkpoint={folder}/model_{seed}.safetensors", f"seed={seed}", *SMALL]
        with RunFolder(folder / f"run_{seed}") as held:
            run_experiment(compose("when_learning_to_stop_pays", changes), held, say=lambda line: None)
        found.append(folder / f"run_{seed}")
    return found


def script(name: str, monkeypatch: pytest.MonkeyPatch, results: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, HERE / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setattr(module, "RESULTS", results)
    return module


def test_every_rule_has_at_least_eight_settings_on_the_same_queries(runs: list[Path]) -> None:
    answers = read_answers(runs[0] / "answers.parquet")
    families: dict[str, int] = {}
    for one in answers:
        assert np.array_equal(one.query, np.arange(30))
        assert ((one.quality >= 0) & (one.quality <= 1)).all()
        assert one.nfe.max() <= 16
        families[one.family] = families.get(one.family, 0) + 1
    tried = {"answer_probability", "answer_probability_limited", "stable_and_confident", "likelihood_gain"}
    tried |= {"prophet", "sched"}
    assert set(families) == {*HEADS, *tried, "fixed", "threshold"}
    assert min(count for name, count in families.items() if name not in ("fixed", "threshold")) >= 8


def test_summary_has_oracle_risk_and_what_is_given_up(runs: list[Path]) -> None:
    summary = json.loads((runs[0] / "summary.json").read_text())
    assert summary["oracle"]["nfe_mean"]["value"] <= summary["run_to_the_end"]["nfe_mean"]["value"]
    assert summary["oracle"]["correct"]["value"] >= summary["run_to_the_end"]["correct"]["value"]
    assert [one["risk"] for one in summary["risk_control"]] == [0.01, 0.02, 0.05]
    for one in summary["risk_control"]:  # 30 queries certify nothing at these risks
        assert (one["setting"], one["cost_share"]) == (None, 1.0)
    assert {"share_given_up", "cost_spent_on_unsolved"} <= summary["test"].keys()


def test_runs_are_collected_and_drawn(runs: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["collect.py", *map(str, runs)])
    script("collect", monkeypatch, tmp_path / "results").main()
    (task,) = json.loads((tmp_path / "results" / "summary.json").read_text())["tasks"]
    wanted = {"name", "accuracy_full_budget", "best_unlearned", "cost_ratio_at_equal_accuracy", "regret_to_oracle"}
    wanted |= {"spearman", "gain_over_shuffle_ci_low", "gain_over_random_ci_low", "share_given_up", "seeds"}
    assert wanted | {"cost_spent_on_unsolved"} <= task.keys()
    assert task["cost_ratio_at_equal_accuracy"].keys() == {"value", "low", "high"}
    assert task["seeds"] == [0, 1]
    assert set(task["heads"]) == set(HEADS)
    assert task["against_all_without_learning"]["accuracy"] >= task["accuracy"]
    script("figure", monkeypatch, tmp_path / "results").main()
    assert (tmp_path / "results" / "curves.png").stat().st_size > 10_000


def test_a_further_seed_joins_those_that_are_kept(
    runs: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = {"tasks": [{"name": "another"}, {"name": "sudoku_4x4", "seeds": [7]}]}
    (tmp_path / "summary.json").write_text(json.dumps(old))
    first = {"runs": [{"task": "another", "seed": 3, "settings": []}]}
    (tmp_path / "first_answer.json").write_text(json.dumps(first))

    def after(*named: Path) -> tuple[list[Any], list[Any]]:
        for name in ("collect", "first_answer"):
            monkeypatch.setattr(sys, "argv", [f"{name}.py", *map(str, named)])
            script(name, monkeypatch, tmp_path).main()
        read = (json.loads((tmp_path / name).read_text()) for name in ("summary.json", "first_answer.json"))
        return next(read)["tasks"], next(read)["runs"]

    (another, task), first_answers = after(runs[1])
    assert another == {"name": "another"}
    assert task["seeds"] == [1]  # the answers of seed 7 are not kept
    assert [(one["task"], one["seed"], len(one["settings"])) for one in first_answers] == [
        ("another", 3, 0),
        ("sudoku_4x4", 1, 12),
    ]
    (_, task), first_answers = after(runs[0])
    assert task["seeds"] == [0, 1]
    assert [one["seed"] for one in first_answers] == [3, 0, 1]
    monkeypatch.setattr(sys, "argv", ["collect.py", *map(str, runs)])
    script("collect", monkeypatch, tmp_path / "at_once").main()
    (at_once,) = json.loads((tmp_path / "at_once" / "summary.json").read_text())["tasks"]
    assert at_once == task


def test_forwards_are_compared_with_difficulty_and_between_trainings(
    runs: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "argv", ["difficulty.py", *map(str, runs)])
    script("difficulty", monkeypatch, tmp_path).main()
    (task,) = json.loads((tmp_path / "difficulty.json").read_text())["tasks"].values()
    assert task["seeds"] == [0, 1]
    assert task["queries"] == 30
    assert len(task["between_trainings"]) == 1
    assert [len(each) for each in task["with_difficulty"].values()] == [2] * len(task["with_difficulty"])


@pytest.mark.parametrize(
    ("clauses", "solutions", "flips"),
    [
        ([[1, 2, 3], [0, 0, 0]], 7, 1 / 8),  # any flip leaves the only assignment that is wrong
        # all signs but one: each wrong assignment violates one clause, so the walk is one on a cube, with 7, 9 and 10
        # expected flips from 1, 2 and 3 away: (3 * 7 + 3 * 9 + 10) / 8
        ([[a, b, c] for a in (1, -1) for b in (2, -2) for c in (3, -3) if (a, b, c) != (-1, -2, -3)], 1, 7.25),
    ],
)
def test_solutions_and_flips_of_a_random_walk_by_hand(
    clauses: list[list[int]], solutions: int, flips: float, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    found = script("difficulty", monkeypatch, tmp_path).by_enumeration(np.array(clauses), 3)
    assert found == pytest.approx({"solutions": solutions, "flips": flips})


@pytest.mark.parametrize("sampler", ["confidence", "learned", "threshold pace.threshold=0.5"])
def test_only_halting_rules_without_a_head_are_tried_on_rollouts(sampler: str) -> None:
    config: Any = compose("when_learning_to_stop_pays", [f"stages.rollouts.tried=['{sampler}']"])
    node = with_samplers(resolve(config))["stages"]["rollouts"]["tried"]
    with pytest.raises(ValueError, match="only halting rules without a head"):
        trials(node, ())
