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
    *(f"stages.{stage}.module.compile=null" for stage in ("masked", "autoregressive", "reference")),
    "stages.evaluation.samplers=['threshold pace.threshold=0.5', 'fixed pace.steps=4']",
    "stages.evaluation.workers=1",
]


def experiment(name, corpus, path, *overrides):
    """Runs an experiment on text, small; the lines that it prints."""
    lines = []
    with RunFolder(path) as folder:
        run_experiment(compose(name, [*SMALL, f"task.corpus={corpus}", *overrides]), folder, say=lines.append)
    return lines


@pytest.fixture(scope="module")
def code(tmp_path_factory):
    """A folder of source code."""
    folder = tmp_path_factory.mktemp("corpus")
    for n in range(100, 180):
        (folder / f"{n}.py").write_text(CODE.format(n=n) * 2)
    return folder


@pytest.fixture(scope="module")
def finished(code, tmp_path_factory):
    path = tmp_path_factory.mktemp("runs") / "text"
    experiment("text_python", code, path)
    return path


def summary_of(path):
    return json.loads((path / "summary.json").read_text())["samplers"]


def test_a_run_leaves_likelihoods_answers_and_a_report(finished):
    rows = json.loads((finished / "bits_per_byte.json").read_text())["models"]
    assert [row["model"] for row in rows] == ["masked", "autoregressive", "reference"]
    assert rows[0]["parameters"] == rows[1]["parameters"] < rows[2]["parameters"]
    for row in rows:
        assert 0 < row["low"] <= row["bits_per_byte"] <= row["high"] < 20
        assert row["low"] < row["high"]
    assert "bits per byte" in (finished / "report.html").read_text()
    assert {row["sampler"] for row in summary_of(finished)} == {"threshold_0.5", "fixed_4"}
    assert {row["valid"] is None for row in summary_of(finished)} == {False}
    assert (finished / "report.html").stat().st_size > 10_000


def test_folder_of_prose_and_file_of_lines_end_with_a_report(tmp_path):
    prose = tmp_path / "prose"
    prose.mkdir()
    for n in range(60):
        (prose / f"{n}.md").write_text(f"Chapter {n} begins here, and it has a few words.\nIt ends with {n}.\n" * 3)
    (tmp_path / "molecules.txt").write_text(
        "".join(f"C{'C' * (n % 9)}O{'N' * (n % 7)}c1ccc{n}c1\n" for n in range(400))
    )
    for name, corpus, more in (("a", prose, []), ("b", tmp_path / "molecules.txt", ["task.lines=true"])):
        alone = ["stages.autoregressive=null", "stages.reference=null", "stages.likelihood=null", *more]
        lines = experiment("text", corpus, tmp_path / name, *alone)
        before = lines[: next(place for place, line in enumerate(lines) if line.startswith("masked"))]
        assert any(line.startswith("documents: ") for line in before)
        assert any("Validity is not measured" in line for line in before)
        assert [row["valid"] for row in summary_of(tmp_path / name)] == [None, None]
        assert all(0 <= row["token_accuracy"] <= 1 for row in summary_of(tmp_path / name))
        assert (tmp_path / name / "report.html").stat().st_size > 10_000


@pytest.mark.parametrize(
    ("content", "sentence"),
    [("one line\n", "use more text"), ("a line that is no code\n" * 400, "no infilling problem of PythonFunctions")],
)
def test_what_cannot_be_measured_is_refused_before_the_first_training(tmp_path, content, sentence):
    (tmp_path / "text.txt").write_text("".join(f"{n} {line}" for n, line in enumerate(content.splitlines(True))))
    with pytest.raises(ValueError, match=sentence):
        experiment("text_python", tmp_path / "text.txt", tmp_path / "run")
    assert not (tmp_path / "run" / "checkpoints").exists()


def test_manifest_describes_the_data(finished):
    facts = json.loads((finished / "manifest.json").read_text())["stages"]["masked"]["facts"]
    assert len(facts["corpus_sha256"]) == 64
    assert facts["bytes"]["train"] > facts["bytes"]["test"] > 0


@pytest.fixture
def script(monkeypatch, tmp_path):
    """Runs a script of an experiment; its results go to a folder of the test."""

    def run(name, *arguments, learns=False):
        monkeypatch.syspath_prepend(str((EXPERIMENTS / name).parent))
        spec = spec_from_file_location("script", EXPERIMENTS / f"{name}.py")
        module = module_from_spec(spec)
        spec.loader.exec_module(module)
        monkeypatch.setattr(module, "RESULTS", tmp_path, raising=False)  # a script that trains has none
        monkeypatch.setattr(sys, "argv", [name, *map(str, arguments)])
        with torch.inference_mode(not learns):
            module.main()
        return tmp_path

    yield run
    for module in ("rules", "references", "scoring"):
        sys.modules.pop(module, None)


@pytest.mark.slow
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


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:.*constant")
def test_adaptive_steps_on_text_are_measured_and_drawn(script, finished):
    script("text_adaptive_steps/heads", finished, "--problems", 8, "--steps", 2, learns=True)
    place = script("text_adaptive_steps/measure", finished, "--problems", 4, "--validation", 4)
    summary = json.loads((place / "summary.json").read_text())
    of_the_chosen = summary["against"][summary["adaptive"]]["cost_ratio_at_equal_accuracy"]["value"]
    assert summary["nfe_ratio_fixed_over_adaptive"] == pytest.approx(1 / of_the_chosen)
    assert all(0 <= row["mauve"] <= 1 and 0 <= row["parses"] <= 1 for row in summary["samplers"])
    script("text_adaptive_steps/blocks", finished, "--texts", 2, "--long", 256)
    found = json.loads((place / "blocks.json").read_text())
    assert len(found["blocks"]) == len(found["largest_memory_mb_by_block"]) == (256 - 64) / 64
    assert all(0 < block["steps"] <= 64 for block in found["blocks"])
    analysis = analyze([finished / "long"], finished / "analysis")
    assert {row["sampler"] for row in analysis.tables[0].records()} == {"at_once", "in_blocks"}
    script("text_adaptive_steps/figure")
    assert (place / "steps.png").stat().st_size > 10_000


@pytest.mark.parametrize("model", ["masked", "autoregressive"])
def test_untrained_model_needs_the_logarithm_of_the_vocabulary(code, tmp_path, model):
    plain = resolve(compose("text", [*SMALL, f"task.corpus={code}"]))
    node = plain["model"] if model == "masked" else plain["stages"][model]["model"]
    queries = plain["stages"]["likelihood"]["models"][model]
    torch.manual_seed(0)
    made = instantiate(node)
    for parameter in made.denoiser.head.parameters():
        parameter.data.zero_()
    with RunFolder(tmp_path) as folder:
        save_checkpoint(folder.file(checkpoint(model)), made, node, {"task": plain["task"]})
        BitsPerByte(plain["task"], {model: queries}, passes=20)(StageContext(folder))
    [row] = json.loads((tmp_path / "bits_per_byte.json").read_text())["models"]
    # Ends are tokens but no bytes.
    data = instantiate(plain["task"])
    windows = data.windows("test")
    share = int((~windows.padding).sum()) / data.bytes_of(windows)
    assert row["bits_per_byte"] == pytest.approx(log2(257) * share, rel=1e-6 if model == "autoregressive" else 0.02)
