"""Models compute where a command says; queries and answers stay on the CPU."""

import re
import warnings
from pathlib import Path

import pytest
import torch
from fake_device import fake_device
from small_worlds import random_queries, transformer
from typer.testing import CliRunner

from adaptive_diffusion.cli.app import app
from adaptive_diffusion.config import ConfigSearch, compose_part, instantiate, resolve
from adaptive_diffusion.config.search import package_folder
from adaptive_diffusion.core.corruption import Uniform
from adaptive_diffusion.models.answer_quality import AnswerQualityHead
from adaptive_diffusion.models.halting_head import TrajectoryHaltingHead
from adaptive_diffusion.models.heads import DenoiserWithHeads, HaltingHead, QualityHead, UnmaskingHead
from adaptive_diffusion.models.policy import PolicyHead
from adaptive_diffusion.models.wrappers import NoisePlanner, Planned
from adaptive_diffusion.runs.compare import compare
from adaptive_diffusion.runs.device import Compute
from adaptive_diffusion.runs.trained_model import TrainedModel, load_trained_model
from adaptive_diffusion.storage.checkpoint import save_checkpoint
from adaptive_diffusion.training.rollouts import record, scored

PACKAGE = ConfigSearch((package_folder(),))
UNIFORM = {"uniform", "uniform_bound", "uniform_routes", "predictor_corrector", "diffusion_gemma", "psi", "duo_greedy"}


def model(kind: str = "absorbing") -> DenoiserWithHeads:
    noise = {} if kind == "absorbing" else {"corruption": Uniform(5)}
    heads = {
        "quality": QualityHead(32),
        "halting": HaltingHead(32),
        "policy": PolicyHead(),
        "unmasking": UnmaskingHead(32),
        "answer_quality": AnswerQualityHead(32),
    }
    heads |= {"cost_aware": TrajectoryHaltingHead(32, 3), "q_halting": TrajectoryHaltingHead(32, 2)}
    return DenoiserWithHeads(transformer(**noise), heads).eval()


def model_for(sampler: str) -> DenoiserWithHeads:
    torch.manual_seed(0)
    if sampler == "ddpd":
        return DenoiserWithHeads(Planned(model(), NoisePlanner(model("uniform")))).eval()
    return model("uniform" if sampler in UNIFORM else "absorbing")


@pytest.mark.parametrize("name", PACKAGE.choices("sampler"))
def test_sampler_gives_the_same_answers_on_another_device(name: str) -> None:
    build = instantiate(compose_part("sampler", name, search=PACKAGE))
    queries, few = random_queries(2, 9, 5), {} if name == "restart" else {"max_steps": 3}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        here = build(denoiser=model_for(name)).sample(queries, **few)
        with fake_device() as device:
            there = build(denoiser=model_for(name).to(device)).sample(queries, **few)
    assert torch.equal(here.answers, there.answers)
    assert torch.equal(here.nfe, there.nfe)
    assert there.answers.device == queries.ids.device


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    node = resolve(compose_part("model", "sudoku_4x4", search=PACKAGE))
    path = tmp_path_factory.mktemp("model") / "model.safetensors"
    torch.manual_seed(0)
    task = {"_target_": "adaptive_diffusion.tasks.sudoku.SudokuDataModule", "size": 4, "test_puzzles": 3}
    save_checkpoint(path, instantiate(node), node, {"task": task})
    return path


def placed(checkpoint: Path, device: torch.device) -> TrainedModel:
    return load_trained_model(checkpoint, compute=Compute(device, "32-true"))


def test_comparison_with_a_trace_runs_on_another_device(checkpoint: Path, tmp_path: Path) -> None:
    source = load_trained_model(checkpoint)
    problems = source.data.test
    here, _ = compare("learned", source.sampler("learned"), source.task, problems, trace=tmp_path / "here")
    with fake_device() as device:
        sampler = placed(checkpoint, device).sampler("learned")
        there, _ = compare("learned", sampler, source.task, problems, trace=tmp_path / "there")
    assert {**here, "seconds": 0} == {**there, "seconds": 0}
    for name in ("rows", "steps", "events"):
        (one,), (other,) = ((tmp_path / where).glob(f"{name}-*.parquet") for where in ("here", "there"))
        assert one.stat().st_size == other.stat().st_size


def test_rollouts_are_recorded_on_another_device(checkpoint: Path) -> None:
    source = load_trained_model(checkpoint)
    batch = scored(source.task, source.data.test)
    here = record(source.sampler("threshold"), batch, max_steps=4)
    with fake_device() as device:
        there = record(placed(checkpoint, device).sampler("threshold"), batch, max_steps=4)
    assert all(torch.equal(one, vars(there)[name]) for name, one in vars(here).items())


@pytest.mark.parametrize("precision", ["bf16-true", "bf16-mixed", "16-true", "64-true"])
@pytest.mark.parametrize("sampler", ["learned", "prism", "wino", "threshold"])
def test_models_sample_in_every_precision(checkpoint: Path, precision: str, sampler: str) -> None:
    source = load_trained_model(checkpoint, compute=Compute(precision=precision))
    assert source.model.denoiser.head.weight.dtype == Compute(precision=precision).weights
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        result = source.sampler(sampler).sample(source.task.queries(source.data.test))
    assert ((result.answers >= 0) & (result.answers < 4)).all()
    assert not result.faults


def test_auto_takes_a_gpu_where_there_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    assert Compute.choose().device.type == "cpu"
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
    assert Compute.choose().device.type == "mps"
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert Compute.choose().device.type == "cuda"
    assert Compute.choose("cpu").device.type == "cpu"


@pytest.mark.parametrize(
    ("device", "precision", "sentence"),
    [
        ("gpu", "auto", "There is no device 'gpu'; choose one of auto, cpu, cuda, mps"),
        ("cpu", "bf16", "There is no precision 'bf16'; choose one of auto, 32-true"),
        ("cuda", "auto", "has no device 'cuda' that torch can use; it has cpu"),
    ],
)
def test_other_names_and_missing_devices_are_refused(
    monkeypatch: pytest.MonkeyPatch, device: str, precision: str, sentence: str
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    with pytest.raises(ValueError, match=re.escape(sentence)):
        Compute.choose(device, precision)


def test_command_prints_what_it_chose(checkpoint: Path, tmp_path: Path) -> None:
    queries = tmp_path / "queries.txt"
    queries.write_text(".234341221434321\n")
    requested = ["sample", str(checkpoint), "--queries", str(queries), "--device", "cpu", "--precision", "bf16-true"]
    result = CliRunner().invoke(app, requested)
    assert result.exit_code == 0, result.output
    assert "device: cpu; precision: bfloat16\n" in result.stderr


@pytest.mark.parametrize("command", ["run", "train", "evaluate", "sample", "edit", "ablate", "repeat"])
def test_every_command_that_computes_takes_a_device_and_a_precision(command: str) -> None:
    parameters = {parameter.name for parameter in _click(command).params}
    assert {"device", "precision"} <= parameters


def _click(command: str):
    from typer.main import get_command

    return get_command(app).commands[command]  # type: ignore[attr-defined]
