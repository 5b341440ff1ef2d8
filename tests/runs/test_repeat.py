"""A run repeats from its own folder, and whatever differs is said."""

import json

import pytest
import torch
from safetensors.torch import load_file, save_file
from synthetic_traces import Row, commit, record
from typer.testing import CliRunner

from adaptive_diffusion.cli.app import app
from adaptive_diffusion.runs.experiment import run_experiment
from adaptive_diffusion.runs.repeat import surroundings
from adaptive_diffusion.storage.folder import RunFolder
from adaptive_diffusion.storage.reproducibility import compared, damaged

ALLOW = ("user_extensions",)


@pytest.fixture
def run(tmp_path):
    """A run of two stages, of which the second was interrupted."""
    measure = {"_target_": "user_extensions.Measure", "log": str(tmp_path / "log"), "level": 1, "seed": 2}
    late = {"_target_": "user_extensions.Look", "log": str(tmp_path / "log"), "then": "interrupt once"}
    with RunFolder(tmp_path / "run", ALLOW) as folder, pytest.raises(KeyboardInterrupt):
        run_experiment({"seed": 2, "stages": {"a": measure, "b": late}}, folder, say=lambda line: None)
    return tmp_path / "run"


def repeat(*arguments):
    return CliRunner().invoke(app, ["repeat", *map(str, arguments), f"--allow-module={ALLOW[0]}"])


def test_what_was_finished_is_done_again_and_times_do_not_count(run):
    result = repeat(run)
    assert result.exit_code == 0, result.output
    assert "equal: summary.json" in result.stdout
    assert "1 of 1 results are equal" in result.stdout
    assert not (run.with_name("run-repeated") / "interrupted").exists()


def test_a_difference_is_printed_and_ends_with_status_1(run):
    summary = json.loads((run / "summary.json").read_text())
    summary["samplers"][0]["exact"] += 1e-12
    (run / "summary.json").write_text(json.dumps(summary))
    result = repeat(run, "--json")
    assert result.exit_code == 1
    (file,) = json.loads(result.stdout)
    assert "samplers[0].exact is" in file["difference"]


def test_module_of_the_run_must_be_allowed_again(run):
    result = CliRunner().invoke(app, ["repeat", str(run)])
    assert (result.exit_code, "--allow-module user_extensions" in result.stderr) == (2, True)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda run: (run / "manifest.json").unlink(), "is no run folder"),
        (lambda run: (run / "config.yaml").unlink(), "Repeat its command in another folder"),
        (lambda run: (run / "config.yaml").write_text("seed: 3\n"), "was changed afterwards"),
        (lambda run: (run / "manifest.json").write_text("{"), "damaged"),
    ],
)
def test_folder_without_manifest_or_config_is_refused_and_nothing_is_created(run, change, sentence):
    change(run)
    result = repeat(run)
    assert (result.exit_code, sentence in result.stderr) == (2, True), result.stderr
    assert not run.with_name("run-repeated").exists()


def test_a_place_that_is_taken_is_refused(run):
    assert repeat(run).exit_code == 0
    assert "name a fresh folder" in repeat(run).stderr


def test_another_machine_or_version_is_named(run):
    manifest = json.loads((run / "manifest.json").read_text())
    assert surroundings(manifest) == []
    manifest["versions"]["torch"] = "0.1"
    (phrase,) = surroundings(manifest)
    assert phrase.startswith("versions.torch is ")
    assert phrase.endswith("and was '0.1'")


def folders(tmp_path):
    for name in ("one", "other"):
        place = tmp_path / name
        record(place / "traces" / "margin", [Row([-1], [[commit(0, 1)]])])
        save_file({"a": torch.arange(3.0), "b": torch.zeros(2)}, place / "model.safetensors", {"said": "x"})
        (place / "metrics.csv").write_text("step,loss\n1,2\n")
        (place / "summary.json").write_text(f'{{"exact": 1, "seconds": {len(name)}}}')
    return tmp_path / "one", tmp_path / "other"


def test_equal_folders_are_equal(tmp_path):
    one, other = folders(tmp_path)
    found = compared(one, other)
    assert len(found) == 6
    assert [file for file in found if file.difference] == []
    assert damaged(one) == []


def test_every_kind_of_difference_is_put_into_words(tmp_path):
    one, other = folders(tmp_path)
    tensors = load_file(other / "model.safetensors")
    tensors["a"][1] += 2**-20
    save_file(tensors, other / "model.safetensors", {"said": "x"})
    record(other / "traces" / "margin", [Row([-1], [[commit(0, 1, 0.8)]])])
    (other / "metrics.csv").write_text("step,loss\n1,3\n")
    (other / "summary.json").write_text('{"exact": 0, "seconds": 1}')
    (one / "only.json").write_text("{}")
    assert {file.file: file.difference for file in compared(one, other) if file.difference} == {
        "metrics.csv": "from line 2 on",
        "model.safetensors": "1 of 2 tensors, by up to 9.5e-07",
        "only.json": f"missing in {other}",
        "summary.json": "exact is 0 and was 1",
        "traces/margin/events-00000.parquet": "columns confidence",
    }


def test_a_zero_and_a_negative_zero_are_not_the_same_bits(tmp_path):
    one, other = folders(tmp_path)
    save_file({"a": torch.arange(3.0), "b": torch.tensor([0.0, -0.0])}, other / "model.safetensors", {"said": "x"})
    (file,) = (file for file in compared(one, other) if file.difference)
    assert file.difference == "1 of 2 tensors, by up to 0.0e+00"


def test_damaged_files_are_found(tmp_path):
    one, _ = folders(tmp_path)
    for path in (one / "model.safetensors", one / "summary.json", one / "traces" / "margin" / "rows-00000.parquet"):
        path.write_bytes(path.read_bytes()[:-2])
    assert sorted(damaged(one)) == ["model.safetensors", "summary.json", "traces/margin/rows-00000.parquet"]


def test_what_a_dead_process_left_behind_is_no_result(tmp_path):
    left = tmp_path / ".part-1-traces"
    left.mkdir()
    (left / "rows.parquet").write_bytes(b"PAR1")
    assert damaged(tmp_path) == []
    (tmp_path / "rows.parquet").write_bytes(b"PAR1")
    assert damaged(tmp_path) == ["rows.parquet"]
