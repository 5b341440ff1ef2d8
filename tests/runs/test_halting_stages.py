"""Any halting policy on any trained denoiser, from a checkpoint to its measures, small."""

import json
from pathlib import Path

import pytest

from adaptive_diffusion.config import choices, compose, compose_part, instantiate
from adaptive_diffusion.core.rule import Halting
from adaptive_diffusion.evaluation.answers import read_answers
from adaptive_diffusion.models.heads import DenoiserWithHeads
from adaptive_diffusion.rules.halting import AnswerProbability, MaxSteps, StableAndConfident
from adaptive_diffusion.runs.analyze import analyze
from adaptive_diffusion.runs.counterfactual_rollouts import (
    read_counterfactual_rollouts,
    record_counterfactual_rollouts,
)
from adaptive_diffusion.runs.experiment import run_experiment
from adaptive_diffusion.runs.stages.halting_head import evenly_spaced, without_halting
from adaptive_diffusion.runs.trained_model import load_trained_model
from adaptive_diffusion.sampling.sampler import Sampler
from adaptive_diffusion.storage.checkpoint import save_checkpoint
from adaptive_diffusion.storage.folder import RunFolder
from adaptive_diffusion.training.rollouts import Rollouts

TASK = {
    "_target_": "adaptive_diffusion.tasks.sudoku.SudokuDataModule",
    "size": 6,
    "batch_size": 64,
    "validation_puzzles": 40,
    "test_puzzles": 40,
    "stratified_puzzles": 40,
}
SMALL = ["stages.rollouts.queries=80", "stages.halting.steps=6", "sampler.pace.threshold=0.3"]

POLICIES = (
    *("cost_aware", "solved_if_stopped", "q_halting", "ponder", "policy_gradient"),
    *("agreement", "agreement_cost_aware"),
)


@pytest.fixture(scope="module")
def denoiser(tmp_path_factory: pytest.TempPathFactory) -> Path:
    node = {
        "_target_": "adaptive_diffusion.models.heads.DenoiserWithHeads",
        "denoiser": {
            "_target_": "adaptive_diffusion.models.transformer.TransformerDenoiser",
            "vocabulary": 6,
            "width": 16,
            "depth": 1,
            "heads": 2,
        },
    }
    path = tmp_path_factory.mktemp("checkpoints") / "denoiser.safetensors"
    model = instantiate(node)
    assert isinstance(model, DenoiserWithHeads)
    save_checkpoint(path, model, node, {"task": TASK})
    return path


def run(path: Path, denoiser: Path, *overrides: str) -> RunFolder:
    with RunFolder(path) as folder:
        changes = [f"checkpoint={denoiser}", *SMALL, *overrides]
        run_experiment(compose("halting", changes), folder, say=lambda line: None)
    return folder


def test_a_policy_is_recorded_for_fitted_and_measured(denoiser: Path, tmp_path: Path) -> None:
    changes = [
        "stages.measures.baselines=['fixed pace.steps=4','threshold pace.threshold=0.9']",
        "+stages.measures.budgets=[3,6]",
    ]
    folder = run(tmp_path / "run", denoiser, *changes)
    assert len(Rollouts.load(folder.file("rollouts/train.safetensors"))) == 80
    summary = json.loads(folder.file("summary.json").read_text())
    assert {
        "nfe_ratio_to_baseline",
        "quality_difference",
        "run_to_the_end",
        "budgets",
        "curves",
    } <= summary.keys()
    assert {"spearman", "tie_ceiling", "gain_over_shuffle", "regret_to_oracle"} <= summary["stratified"].keys()
    for found in summary["budgets"]:
        assert found["validation"] <= found["budget"]
    source = load_trained_model(folder.file("checkpoints/halting.safetensors"))
    queries = source.task.queries(source.data.test)
    dear, cheap = (source.sampler(f"cost_aware halting.price={price}").sample(queries) for price in (5.0, 0.0001))
    assert dear.nfe.double().mean() <= cheap.nfe.double().mean()

    analysis = analyze([tmp_path / "run"], tmp_path / "analysis")
    (table,) = analysis.tables
    assert [row[1] for row in table.rows] == ["test", "stratified"]
    shown = table.records()[0]["over_shuffled_steps"]
    assert shown == pytest.approx(summary["test"]["gain_over_shuffle"]["value"])


def test_baselines_answer_the_problems_of_the_rollouts(denoiser: Path, tmp_path: Path) -> None:
    same = "same=threshold_remasking pace.threshold=0.3"
    changes = ["+stages.rollouts.held_out=25", f"stages.measures.baselines=['{same}','fixed pace.steps=4']"]
    folder = run(tmp_path / "run", denoiser, *changes, "+stages.rollouts.max_steps=64")
    found = {one.name: one for one in read_answers(folder.file("answers.parquet"))}
    rollouts = Rollouts.load(folder.file("rollouts/test.safetensors"))
    assert len(rollouts) == 25
    assert found["same"].nfe.tolist() == rollouts.spent(rollouts.steps).tolist()
    assert (found["same"].quality == 1).tolist() == rollouts.padded(rollouts.solved)[:, -1].tolist()


def test_head_that_attends_to_single_positions_is_fitted_and_stops_the_sampler(denoiser: Path, tmp_path: Path) -> None:
    attention = ["+halting_head@stages.halting.head=attention", "stages.halting.head.positions=4"]
    folder = run(tmp_path / "run", denoiser, *attention, "stages.rollouts.positions=5", "stages.measures=null")
    source = load_trained_model(folder.file("checkpoints/halting.safetensors"))
    assert source.model.heads["cost_aware"].positions == 4
    problems = source.data.test.take(slice(3))
    assert (source.sampler("cost_aware").sample(source.task.queries(problems)).steps > 0).all()


@pytest.mark.parametrize("policy", [name for name in POLICIES if name != "cost_aware"])
def test_every_policy_of_the_catalogue_trains(denoiser: Path, tmp_path: Path, policy: str) -> None:
    folder = run(tmp_path / "run", denoiser, f"halting_objective@stages.halting={policy}", "stages.measures=null")
    name = {"q_halting": "q_halting", "agreement_cost_aware": "cost_aware"}.get(policy, "halting")
    assert load_trained_model(folder.file("checkpoints/halting.safetensors")).model.head(name) is not None


def test_every_policy_of_the_catalogue_is_tried_above() -> None:
    assert set(choices("halting_objective")) == set(POLICIES)


def test_a_refreshed_head_sees_new_queries_in_every_epoch(denoiser: Path, tmp_path: Path) -> None:
    folder = run(tmp_path / "run", denoiser, "+stages.halting.refresh=${stages.rollouts}", "stages.measures=null")
    assert folder.file("checkpoints/halting.safetensors").is_file()


def test_sampler_without_its_halting_head_is_refused_with_the_name_of_the_head(denoiser: Path, tmp_path: Path) -> None:
    folder = run(
        tmp_path / "run", denoiser, "halting_objective@stages.halting=solved_if_stopped", "stages.measures=null"
    )
    source = load_trained_model(folder.file("checkpoints/halting.safetensors"))
    with pytest.raises(ValueError, match="needs the head 'cost_aware'"):
        source.sampler("cost_aware").sample(source.task.queries(source.data.test))


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ("stages.rollouts.queries=0", "queries=0 leaves nothing to record"),
        ("+stages.rollouts.held_out=0", "held_out=0 leaves nothing to record"),
        ("+sampler.block_length=18", "rules are tried on trajectories without blocks"),
    ],
)
def test_rollouts_that_cannot_be_recorded_are_refused_before_the_first_stage(denoiser, tmp_path, change, sentence):
    tried = "+stages.rollouts.tried=[stable_and_confident]"
    changes = [f"checkpoint={denoiser}", change, *([tried] if "block" in change else [])]
    with RunFolder(tmp_path / "run") as folder, pytest.raises(ValueError, match=sentence):
        run_experiment(compose("halting", changes), folder, say=lambda line: None)
    assert not (tmp_path / "run" / "rollouts").exists()


@pytest.mark.parametrize("name", ["answer_probability", "cost_aware", "q_halting"])
def test_learned_halting_and_its_rival_differ_in_nothing_but_halting(name: str) -> None:
    assert without_halting(compose_part("sampler", name)) == without_halting(compose_part("sampler", "learned"))


def test_rollouts_of_splits_that_another_config_names_are_removed(denoiser: Path, tmp_path: Path) -> None:
    other = ["+stages.rollouts.first_query=40_000_000", "~stages.halting", "~stages.measures"]
    for splits in ("[validation,test]", "[validation]"):
        changes = [f"checkpoint={denoiser}", "stages.rollouts.queries=8", f"+stages.rollouts.splits={splits}", *other]
        with RunFolder(tmp_path / "run") as folder:
            run_experiment(compose("halting", changes), folder, update=True, say=lambda line: None)
    left = {file.stem for file in (tmp_path / "run" / "rollouts").iterdir()}
    assert left == {"train", "validation"}


def test_counterfactual_rollouts_of_another_halting_rule_are_removed(denoiser: Path, tmp_path: Path) -> None:
    source = load_trained_model(denoiser)
    filling = instantiate(compose_part("sampler", "answer_probability"))(denoiser=source.model)
    problems = source.data.test.take(slice(4))
    with RunFolder(tmp_path) as folder:
        for sampler, there in ((filling, True), (filling.with_rules(halting=StableAndConfident()), False)):
            record_counterfactual_rollouts(folder, "learned", sampler, source.task, problems, seed=0, slots=4)
            assert (read_counterfactual_rollouts(tmp_path, "learned") is not None) == there


@pytest.mark.parametrize("rule", [AnswerProbability(0.7), MaxSteps(1)])
def test_sampler_with_blocks_has_no_counterfactual_rollouts(denoiser: Path, tmp_path: Path, rule: Halting) -> None:
    source = load_trained_model(denoiser)
    plain = Sampler(source.model, halting=rule)
    problems = source.data.test.take(slice(4))
    with RunFolder(tmp_path) as folder:
        for sampler, there in ((plain, True), (plain.with_rules(block_length=18), False)):
            record_counterfactual_rollouts(folder, "learned", sampler, source.task, problems, seed=0, slots=4)
            assert (read_counterfactual_rollouts(tmp_path, "learned") is not None) == there


def test_some_problems_of_a_split_are_evenly_spaced() -> None:
    assert evenly_spaced(10, 4).tolist() == [0, 2, 5, 7]
    assert evenly_spaced(3, 4).tolist() == evenly_spaced(3, None).tolist() == [0, 1, 2]
