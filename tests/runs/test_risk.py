"""Calibrated stopping, from a small model to the commands."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
import torch
from lightning.pytorch import Trainer
from typer.testing import CliRunner

from adaptive_diffusion.cli.app import app
from adaptive_diffusion.config import ConfigSearch, choices, compose_part, instantiate
from adaptive_diffusion.config.search import package_folder
from adaptive_diffusion.core.rule import Halting
from adaptive_diffusion.core.state import HaltDecision
from adaptive_diffusion.models.heads import DenoiserWithHeads
from adaptive_diffusion.objectives.denoising import Denoising
from adaptive_diffusion.rules.calibrated import CalibratedParameter
from adaptive_diffusion.rules.halting import AllCommitted, AnswerProbability
from adaptive_diffusion.rules.pace import FixedCount
from adaptive_diffusion.runs.calibration_progress import CalibrationProgress
from adaptive_diffusion.runs.engine import Here
from adaptive_diffusion.runs.evaluate import evaluate_file
from adaptive_diffusion.runs.query_job import QueryJob
from adaptive_diffusion.runs.risk import Promise, choose
from adaptive_diffusion.runs.trained_model import TrainedModel, load_trained_model
from adaptive_diffusion.sampling.sampler import Sampler
from adaptive_diffusion.storage.checkpoint import save_checkpoint
from adaptive_diffusion.training.denoiser_module import DenoiserModule
from adaptive_diffusion.training.lightning_data import LightningData
from adaptive_diffusion.training.training_states import RandomMasking

PACKAGE = ConfigSearch((package_folder(),))
TASK = {"_target_": "adaptive_diffusion.tasks.sudoku.SudokuDataModule", "size": 4, "clues": [4, 8], "batch_size": 64}
TASK |= {"validation_puzzles": 120, "test_puzzles": 40, "stratified_puzzles": 40}
NODE = {
    "_target_": "adaptive_diffusion.models.heads.DenoiserWithHeads",
    "denoiser": {
        "_target_": "adaptive_diffusion.models.transformer.TransformerDenoiser",
        "vocabulary": 4,
        "width": 32,
        "depth": 1,
        "heads": 2,
        "positions": {
            "_target_": "adaptive_diffusion.models.positions.RelationalPositions.grid",
            "rows": 4,
            "columns": 4,
            "box_rows": 2,
            "box_columns": 2,
        },
    },
}
SAMPLER = ("--sampler", "answer_probability")
STEPS = 150
"""Of training: enough that the full budget solves most puzzles and one forward does not."""


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.manual_seed(0)
    path = tmp_path_factory.mktemp("checkpoints") / "denoiser.safetensors"
    model = instantiate(NODE)
    assert isinstance(model, DenoiserWithHeads)
    module = DenoiserModule(
        model, [RandomMasking(rows=64)], [Denoising()], optimizer=partial(torch.optim.AdamW, lr=1e-2)
    )
    options = {"logger": False, "enable_checkpointing": False, "enable_progress_bar": False, "limit_val_batches": 0}
    trainer = Trainer(max_steps=STEPS, accelerator="cpu", enable_model_summary=False, **options)
    trainer.fit(module, LightningData(instantiate(TASK)))
    save_checkpoint(path, model, NODE, {"task": TASK})
    return path


@pytest.fixture
def source(checkpoint: Path) -> TrainedModel:
    return load_trained_model(checkpoint)


@dataclass(frozen=True)
class AfterSteps(Halting):
    """A rule of a user: stops after so many steps."""

    most: float = 1.0

    def __call__(self, state: Any, prediction: Any, decision: Any) -> HaltDecision:
        return HaltDecision(state.step + 1 >= self.most)


def declared() -> Iterator[str]:
    for name in choices("sampler", PACKAGE):
        if "calibrated" in compose_part("sampler", name, search=PACKAGE):
            yield name


def test_samplers_that_stop_early_declare_what_is_calibrated() -> None:
    halting = {
        name for name in choices("sampler", PACKAGE) if "halting" in compose_part("sampler", name, search=PACKAGE)
    }
    assert {"learned", "cost_aware", "answer_probability", "diffusion_gemma"} <= halting
    assert halting - {*declared()} == {"random_halting"}
    assert "threshold" in {*declared()}


@pytest.mark.parametrize("name", list(declared()))
def test_every_declared_setting_can_be_built(name: str) -> None:
    keywords = instantiate(compose_part("sampler", name, search=PACKAGE)).keywords
    parameter: CalibratedParameter = keywords["calibrated"]
    for setting in parameter.settings:
        changed = parameter.changes(keywords, setting)
        assert getattr(changed[parameter.role], parameter.name) == setting
    full = parameter.changes(keywords, None)
    assert full["halting"] == AllCommitted()
    assert (parameter.role == "halting") is (parameter.full_budget is None)


def test_setting_changes_its_rule_alone(source: TrainedModel) -> None:
    sampler = source.sampler("answer_probability")
    bold = sampler.at_setting(0.2)
    assert bold.halting == AnswerProbability(0.2)
    assert replace(bold, halting=sampler.halting) == sampler
    assert sampler.at_setting(None) == replace(sampler, halting=AllCommitted())
    assert source.sampler("threshold").at_setting(None).pace == FixedCount(1)


def losses(source: TrainedModel, sampler: Sampler) -> list[float]:
    """The share of validation problems made wrong at each setting, counted one by one."""
    problems = source.data.validation
    queries = source.task.queries(problems)

    def right(setting: float | None) -> torch.Tensor:
        return source.task.correct(sampler.at_setting(setting).sample(queries).answers, problems)

    assert sampler.calibrated is not None
    full = right(None)
    return [(full & ~right(setting)).double().mean().item() for setting in sampler.calibrated.settings]


def user_sampler(source: TrainedModel) -> Sampler:
    parameter = CalibratedParameter("halting", "most", (16, 8, 4, 2, 1))
    return Sampler(source.model, halting=AfterSteps(), calibrated=parameter)


def test_rule_of_a_user_takes_part_by_declaring_its_field(source: TrainedModel) -> None:
    sampler = user_sampler(source)
    lost = losses(source, sampler)
    assert lost[0] == 0  # a 4×4 puzzle has at most 16 steps
    assert lost[-1] > 0.02
    found = choose(sampler, source.task, source.data.validation, Promise(0.03, None))
    # In expectation: (120·mean + 1)/121 ≤ .03 holds up to 2 mistakes of 120, over the settings so far.
    assert found.setting in sampler.calibrated.settings[:-1]
    assert found.seen <= 2 / 120
    assert (found.parameter, found.queries) == ("halting.most", 120)
    assert found.nfe <= found.nfe_full


def test_full_budget_is_used_where_nothing_can_be_certified(source: TrainedModel) -> None:
    parameter = CalibratedParameter("halting", "most", (1, 2))  # one step alone loses too much
    sampler = Sampler(source.model, halting=AfterSteps(), calibrated=parameter)
    found = choose(sampler, source.task, source.data.validation, Promise(0.03, 0.95))
    assert found.setting is None
    assert "no setting of halting.most can be certified on 120 calibration problems" in str(found)
    assert "99 without any loss are needed" in str(found)
    assert found.nfe == found.nfe_full
    assert str(found).endswith(f"the full budget is used, {found.nfe_full:.2f} mean NFE")


def test_nothing_is_sampled_where_the_problems_are_too_few_to_certify_anything(source: TrainedModel) -> None:
    tried: list[str] = []
    promise = Promise(0.01, 0.95)
    found = choose(user_sampler(source), source.task, source.data.validation, promise, say=tried.append)
    assert tried == []
    assert found.setting is None
    assert str(found) == (
        "no setting of halting.most can be certified on 120 calibration problems (299 without any loss are needed); "
        "the full budget is used"
    )


def test_what_cannot_be_calibrated_is_refused(source: TrainedModel) -> None:
    with pytest.raises(ValueError, match="declares no `calibrated` parameter"):
        choose(source.sampler("confidence"), source.task, source.data.validation, Promise(0.1))
    for role, name, reason in (
        ("halting", "price", "no field 'price'"),
        ("plan", "commit", "no rule in the role 'plan'"),
    ):
        sampler = Sampler(source.model, calibrated=CalibratedParameter(role, name, (0.1,)))
        with pytest.raises(ValueError, match=reason):
            sampler.at_setting(0.1)
    with pytest.raises(ValueError, match="no settings to try"):
        CalibratedParameter("halting", "price", ())


@pytest.fixture
def puzzles(source: TrainedModel, tmp_path: Path) -> Path:
    path = tmp_path / "puzzles.txt"
    tokens = source.task.queries(source.data.test).tokens[:12]
    digits = torch.where(source.task.queries(source.data.test).editable[:12], 0, tokens + 1)
    path.write_text("".join("".join(map(str, row)) + "\n" for row in digits.tolist()))
    return path


def run(*arguments: Any) -> Any:
    return CliRunner().invoke(app, [str(one) for one in arguments])


def test_evaluate_prints_the_promise_and_uses_the_chosen_setting(checkpoint: Path, puzzles: Path) -> None:
    command = ("evaluate", checkpoint, "--queries", puzzles, "--sampler", "answer_probability", "--json")
    result = run(*command, "--risk", "0.2", "--confidence", "0.9")
    assert result.exit_code == 0, result.output
    (row,) = json.loads(result.stdout)
    chosen = row["risk_control"]
    assert chosen["parameter"] == "halting.threshold"
    assert chosen["promise"] == {"risk": 0.2, "confidence": 0.9}
    assert chosen["queries"] == 120
    assert "answer_probability: halting.threshold=" in result.stderr
    assert "loses at most 20% of the answers, with confidence 0.9" in result.stderr
    by_hand = run(*command[:4], "--json", "--sampler", f"answer_probability halting.threshold={chosen['setting']}")
    assert json.loads(by_hand.stdout)[0]["nfe_mean"] == row["nfe_mean"]


def test_all_samplers_are_checked_before_the_first_is_calibrated(
    checkpoint: Path, puzzles: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calibrated: list[Any] = []
    monkeypatch.setattr("adaptive_diffusion.runs.query_job.choose", lambda *given, **_: calibrated.append(given))
    with pytest.raises(ValueError, match="^confidence: this sampler declares no `calibrated` parameter"):
        evaluate_file(QueryJob(checkpoint, puzzles, promise=Promise(0.2, 0.9)), ["prophet", "confidence"])
    assert not calibrated


def test_calibration_shows_each_setting_on_standard_error(checkpoint: Path, puzzles: Path) -> None:
    result = run("sample", checkpoint, "--queries", puzzles, "--sampler", "answer_probability", "--risk", "0.2")
    first, second = (
        line for line in result.stderr.splitlines() if "calibrating, 1 " in line or "calibrating, 2 " in line
    )
    assert first == "answer_probability: calibrating, 1 of at most 20: full budget"
    assert second == "answer_probability: calibrating, 2 of at most 20: halting.threshold=0.9999"
    assert "calibrating" not in result.stdout


def test_calibration_has_a_bar_in_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = StringIO()
    monkeypatch.setattr(terminal, "isatty", lambda: True)
    monkeypatch.setattr("sys.stderr", terminal)
    monkeypatch.setenv("COLUMNS", "120")
    monkeypatch.setenv("TERM", "xterm")
    with CalibrationProgress("prophet", 15) as progress:
        progress.begins("full budget")
        progress.bar.refresh()
    assert "prophet: calibrating, 1 of at most 15: full budget" in terminal.getvalue()
    assert "━" in terminal.getvalue()


def test_sample_falls_back_to_the_full_budget_and_says_so(checkpoint: Path, puzzles: Path) -> None:
    command = ("sample", checkpoint, "--queries", puzzles)
    result = run(*command, "--sampler", "answer_probability", "--risk", "0.001")
    assert result.exit_code == 0, result.output
    assert "can be certified" in result.stderr
    assert "the full budget is used" in result.stderr
    assert "the prediction was" not in result.stdout
    assert "probable enough" not in result.stdout


def test_shards_sample_at_the_chosen_setting(checkpoint: Path, puzzles: Path) -> None:
    job = QueryJob(checkpoint, puzzles, promise=Promise(0.2, 0.9))
    alone, sharded = (
        evaluate_file(replace(job, engine=engine), ["answer_probability"])[0][0] for engine in (None, Here())
    )
    assert alone["risk_control"]["setting"] is not None
    for name in ("nfe_mean", "correct", "risk_control"):
        assert alone[name] == sharded[name]


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (("--risk", "0.1", "--expected-risk", "0.1"), "give one of them"),
        (("--risk", "2"), "risk=2.0 must lie between 0 and 1"),
        (("--risk", "0.1", "--confidence", "7"), "confidence=7.0 must lie between 0 and 1"),
        (("--confidence", "7"), "--confidence 7 is that of --risk: add for instance --risk 0.01, or leave it out"),
        (("--expected-risk", "0.1", "--confidence", "0.9"), "give --risk in place of --expected-risk, or leave it out"),
        (("--sampler", "confidence", "--risk", "0.1"), "confidence: this sampler declares no `calibrated` parameter"),
    ],
)
def test_a_promise_that_cannot_be_kept_is_one_sentence(
    checkpoint: Path, puzzles: Path, options: tuple[str, ...], sentence: str
) -> None:
    for command in ("sample", "evaluate"):
        result = run(command, checkpoint, "--queries", puzzles, *(() if "--sampler" in options else SAMPLER), *options)
        assert result.exit_code == 2
        assert sentence in result.stderr
