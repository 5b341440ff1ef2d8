"""The text experiment, small: three short trainings, bits per byte, infilling, a report."""

import json
import sys
from importlib.util import module_from_spec, spec_from_file_location
from math import log2
from pathlib import Path

import pytest
import torch

from adaptive_diffusion.config import compose, instantiate, resolve
from adaptive_diffusion.runs.analyze import analyze
from adaptive_diffusion.runs.experiment import run_experiment
from adaptive_diffusion.runs.stage import StageContext, checkpoint
from adaptive_diffusion.runs.stages.likelihood import BitsPerByte
from adaptive_diffusion.storage.checkpoint import save_checkpoint
from adaptive_diffusion.storage.folder import RunFolder

pytestmark = pytest.mark.slow

EXPERIMENTS = Path(__file__).parents[2] / "experiments"
CODE = """def function_{n}(argument, scale):
    value = argument + {n}
    return value * scale


"""
SMALL = [
    "task.length=128",
    "task.batch_size=4",
    "task.test_problems=4",
    "task.evaluation_windows=6",
    "model.denoiser.width=32",
    "model.denoiser.depth=1",
    "stages.reference.model.denoiser={width: 32, depth: 2, heads: 4}",
    "steps=3",
    "stages.evaluation.samplers=['threshold pace.threshold=0.5', 'fixed pace.steps=4']",
    "stages.evaluation.workers=1",
]


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    folder = tmp_path_factory.mktemp("corpus")
    for n in range(100, 180):
        (folder / f"{n}.txt").write_text(CODE.format(n=n) * 2)
    files = f"{{_target_: adaptive_diffusion.tasks.text.corpora.TextFiles, paths: ['{folder}']}}"
    return [*SMALL, f"task.corpus={files}"]


@pytest.fixture(scope="module")
def finished(corpus, tmp_path_factory):
    path = tmp_path_factory.mktemp("runs") / "text"
    with RunFolder(path) as folder:
        run_experiment(compose("text", corpus), folder, say=lambda line: None)
    return path


def test_a_run_leaves_likelihoods_answers_and_a_report(finished):
    rows = json.loads((finished / "bits_per_byte.json").read_text())["models"]
    assert [row["model"] for row in rows] == ["masked", "autoregressive", "reference"]
    assert rows[0]["parameters"] == rows[1]["parameters"] < rows[2]["parameters"]
    for row in rows:
        assert 0 < row["low"] <= row["bits_per_byte"] <= row["high"] < 20
    assert {row["sampler"] for row in json.loads((finished / "summary.json").read_text())["samplers"]} == {
        "threshold_0.5",
        "fixed_4",
    }
    assert (finished / "report.html").stat().st_size > 10_000


def test_the_manifest_knows_the_data(finished):
    facts = json.loads((finished / "manifest.json").read_text())["stages"]["masked"]["facts"]
    assert len(facts["corpus_sha256"]) == 64
    assert facts["bytes"]["train"] > facts["bytes"]["test"] > 0


@pytest.fixture
def script(monkeypatch, tmp_path):
    """Runs a script of an experiment; its results go to a folder of the test."""

    def run(name, *arguments):
        spec = spec_from_file_location("script", EXPERIMENTS / f"{name}.py")
        module = module_from_spec(spec)
        spec.loader.exec_module(module)
        monkeypatch.setattr(module, "RESULTS", tmp_path)
        monkeypatch.setattr(sys, "argv", [name, *map(str, arguments)])
        with torch.inference_mode():
            module.main()
        return tmp_path

    return run


def test_latency_and_throughput_are_measured_and_drawn(script, finished):
    few = ["--texts", 4, "--batches", 1, 2, "--tries", 1, "--samplers", "fixed_4", "entropy_bound_8"]
    place = script("latency_against_throughput/measure", finished, *few)
    summary = json.loads((place / "summary.json").read_text())
    speed = {(row["sampler"], row["batch"]): row["tokens_per_second"] for row in summary["seconds"]}
    slower = [batch for batch in (1, 2) if speed["autoregressive", batch] > speed["fixed_16", batch]]
    assert summary["crossing_batch_size"] == (min(slower) if slower else None)
    assert summary["latency_speedup_batch1"] == pytest.approx(speed["fixed_16", 1] / speed["autoregressive", 1])
    assert {row["tokens"] for row in summary["seconds"]} == {64, 128}
    script("latency_against_throughput/figure")
    assert (place / "trade_off.png").stat().st_size > 10_000


@pytest.mark.filterwarnings("ignore:.*constant")
def test_adaptive_steps_on_text_are_measured_and_drawn(script, finished):
    place = script("text_adaptive_steps/measure", finished, "--problems", 4, "--validation", 4)
    summary = json.loads((place / "summary.json").read_text())
    of_the_chosen = summary["nfe_ratio_by_sampler"][summary["adaptive"]]["value"]
    assert summary["nfe_ratio_fixed_over_adaptive"] == of_the_chosen
    assert of_the_chosen > 0
    script("text_adaptive_steps/blocks", finished, "--texts", 2, "--long", 256)
    found = json.loads((place / "blocks.json").read_text())
    assert len(found["blocks"]) == len(found["largest_memory_mb_by_block"]) == (256 - 64) / 64
    assert all(0 < block["steps"] <= 64 for block in found["blocks"])
    analysis = analyze([finished / "long"], finished / "analysis")
    assert {row["sampler"] for row in analysis.sheets[0].records()} == {"at_once", "in_blocks"}
    script("text_adaptive_steps/figure")
    assert (place / "steps.png").stat().st_size > 10_000


@pytest.mark.parametrize("model", ["masked", "autoregressive"])
def test_a_model_that_knows_nothing_needs_the_logarithm_of_the_vocabulary(corpus, tmp_path, model):
    plain = resolve(compose("text", corpus))
    node = plain["model"] if model == "masked" else plain["stages"][model]["model"]
    asked = plain["stages"]["likelihood"]["models"][model]
    torch.manual_seed(0)
    made = instantiate(node)
    for parameter in made.denoiser.head.parameters():
        parameter.data.zero_()
    with RunFolder(tmp_path) as folder:
        save_checkpoint(folder.file(checkpoint(model)), made, node, {"task": plain["task"]})
        BitsPerByte(plain["task"], {model: asked}, passes=20)(StageContext(folder))
    [row] = json.loads((tmp_path / "bits_per_byte.json").read_text())["models"]
    # Ends are tokens but no bytes.
    data = instantiate(plain["task"])
    windows = data.windows("test")
    share = int((~windows.padding).sum()) / data.bytes_of(windows)
    assert row["bits_per_byte"] == pytest.approx(log2(257) * share, rel=1e-6 if model == "autoregressive" else 0.02)
