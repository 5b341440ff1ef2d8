"""The same command goes on where it was interrupted, and repeats nothing that is finished."""

import json
from pathlib import Path

import pytest

from adaptive_diffusion.runs.experiment import read_stages, run_experiment
from adaptive_diffusion.runs.stage import StageContext
from adaptive_diffusion.storage.folder import RunFolder

WORK, LOOK = "user_extensions.Work", "user_extensions.Look"
ALLOW = ("user_extensions",)


@pytest.fixture
def run(tmp_path):
    """Runs stages given as {name: node}, and hands back what was said, and which stages were called."""
    log = tmp_path / "log.txt"

    def run(stages, **options):
        log.write_text("")
        output = []
        plain = {
            name: node if node is None else {"_target_": WORK, "log": str(log)} | node for name, node in stages.items()
        }
        with RunFolder(tmp_path / "run", ALLOW) as folder:
            run_experiment({"seed": 3, "stages": plain}, folder, say=output.append, **options)
        return output, log.read_text().split("\n")[:-1]

    run.log = log
    run.path = tmp_path / "run"
    return run


def manifest(run):
    return json.loads((run.path / "manifest.json").read_text())


def test_stages_run_in_order_and_a_repeated_command_skips_them(run):
    assert run({"a": {}, "b": {}})[1] == ["a", "b"]
    output, called = run({"a": {}, "b": {}})
    assert called == []
    assert output == ["a: finished before, skipped", "b: finished before, skipped"]
    assert (run.path / "b.txt").read_text() == "result"


def test_an_interrupted_stage_goes_on_from_its_own_state(run):
    stages = {"a": {}, "b": {"then": "interrupt once"}, "c": {}}
    with pytest.raises(KeyboardInterrupt):
        run(stages)
    assert manifest(run)["outcome"] == "interrupted"
    assert run(stages)[1] == ["b resumed", "c"]
    assert manifest(run)["outcome"] == "finished"
    assert not list((run.path / "resume").iterdir())


def test_a_failed_stage_is_tried_again(run):
    with pytest.raises(RuntimeError, match="fire"):
        run({"a": {"then": "fail"}})
    assert manifest(run)["outcome"] == "RuntimeError: the machine is on fire"
    with pytest.raises(RuntimeError, match="fire"):
        run({"a": {"then": "fail"}})
    assert run.log.read_text() == "a resumed\n"


def test_another_config_in_the_same_folder_is_refused_before_anything_is_written(run):
    run({"a": {}, "b": {"more": 1}})

    def files():
        return {path: path.stat().st_mtime_ns for path in run.path.rglob("*") if path.name != ".lock"}

    before = files()
    with pytest.raises(ValueError, match=r"stages\.b\.more is 2 and was 1\. Choose another folder"):
        run({"a": {}, "b": {"more": 2}})
    assert files() == before


def test_an_update_runs_again_what_changed_and_what_follows(run):
    run({"a": {}, "b": {"more": 1}, "c": {}})
    output, called = run({"a": {}, "b": {"more": 2}, "c": {}}, update=True)
    assert called == ["b", "c"]
    assert output[0] == "The config has changed: stages.b.more is 2 and was 1."
    assert run({"a": {}, "b": {"more": 2}, "c": {}})[1] == []


def test_an_update_does_not_resume_from_the_state_of_another_config(run):
    with pytest.raises(KeyboardInterrupt):
        run({"a": {"then": "interrupt once", "more": 1}})
    assert run({"a": {"then": "interrupt once", "more": 2}}, update=True)[1] == ["a"]


def test_training_only_stops_after_the_last_stage_that_trains(run):
    stages = {"data": {"_target_": LOOK}, "a": {}, "check": {"_target_": LOOK}, "b": {}, "report": {"_target_": LOOK}}
    assert run(stages, training_only=True)[1] == ["data", "a", "check", "b"]
    assert run(stages)[1] == ["report"]
    with pytest.raises(ValueError, match="No stage trains; the stages are report"):
        run({"report": {"_target_": LOOK}}, training_only=True, update=True)


TASK = {"_target_": LOOK, "log": "task"}
OTHER = {"_target_": LOOK, "log": "other"}


def inheriting(**node):
    return {"_target_": "user_extensions.Inheriting"} | node


def test_data_and_seed_come_from_the_root_unless_the_node_sets_them(tmp_path):
    config = {"seed": 5, "task": TASK, "stages": {"a": inheriting(), "b": inheriting(data=OTHER, seed=6)}}
    with RunFolder(tmp_path, ALLOW) as folder:
        run_experiment(config, folder, say=lambda line: None)
        assert folder.read_json("a.json") == [TASK, 5, []]
        assert folder.read_json("b.json") == [OTHER, 6, ["a"]]


def test_a_seed_that_is_no_number_is_refused():
    with pytest.raises(ValueError, match="the config: seed='x' is no whole number; give one"):
        read_stages({"seed": "x", "task": TASK, "stages": {"a": inheriting()}}, ALLOW)


@pytest.mark.parametrize("change", [{"task": OTHER}, {"seed": 6}, {"model": OTHER}])
def test_a_change_of_what_stages_inherit_runs_them_again(change):
    config = {"seed": 5, "task": TASK, "stages": {"a": inheriting()}}
    assert read_stages(config, ALLOW)[0].digest != read_stages(config | change, ALLOW)[0].digest


def test_the_checkpoint_without_a_name_is_that_of_the_last_stage_that_wrote_one(tmp_path):
    (tmp_path / "checkpoints").mkdir()
    (tmp_path / "checkpoints" / "b.safetensors").touch()
    context = StageContext(RunFolder(tmp_path), "d", earlier=("a", "b", "c"))
    assert context.checkpoint() == tmp_path / "checkpoints" / "b.safetensors"
    assert context.checkpoint("a") == tmp_path / "checkpoints" / "a.safetensors"
    assert context.checkpoint("other/x.safetensors") == Path("other/x.safetensors")
    with pytest.raises(ValueError, match="d: no stage before it has trained a model"):
        StageContext(RunFolder(tmp_path), "d").checkpoint()


def test_a_stage_that_is_null_is_left_out(run):
    assert run({"a": None, "b": {}})[1] == ["b"]


@pytest.mark.parametrize(
    ("last", "sentence"),
    [
        ({"_target_": "os.system", "command": "true"}, r"stages\.z: _target_ 'os\.system' is refused"),
        ({"_target_": "adaptive_diffusion.storage.folder.RunFolder", "path": "x"}, r"stages\.z: .* is refused"),
        ({"_target_": "adaptive_diffusion.runs.os.system"}, "is refused"),
        ({"_target_": "user_extensions.Net"}, r"stages\.z: user_extensions.Net is not a stage: derive it from"),
        ({"mroe": 1}, r"stages\.z: Work takes no 'mroe'\. The nearest is 'more'"),
        ({"more": {"_target_": "builtins.eval", "_args_": ["1"]}}, r"stages\.z\.more: .*refused"),
        ({"more": "${oc.env:HOME}"}, r"stages\.z\.more: .*refused"),
        ({"more": "???"}, r"stages\.z\.more has no value yet"),
    ],
)
def test_a_refused_stage_is_found_before_the_first_is_run(run, last, sentence):
    with pytest.raises(ValueError, match=sentence):
        run({"a": {}, "z": last})
    assert run.log.read_text() == ""
    assert not (run.path / "config.yaml").exists()


@pytest.mark.parametrize("stages", [None, [], 3, {"../a": {"_target_": WORK}}, {"a": {"x": 1}}, {"a": 3}])
def test_invalid_stages_are_refused(tmp_path, stages):
    with RunFolder(tmp_path, ALLOW) as folder, pytest.raises(ValueError, match="stages"):
        run_experiment({"stages": stages}, folder)


def test_the_message_of_a_stage_that_refuses_its_values_has_its_key(run):
    with pytest.raises(ValueError, match=r"stages\.a: this stage refuses its config"):
        run({"a": {"then": "refuse"}})


def test_the_manifest_holds_what_repeating_the_run_takes(run):
    run({"a": {}})
    first = manifest(run)
    assert first["seed"] == 3
    assert first["allow"] == list(ALLOW)
    assert set(first["versions"]) >= {"python", "torch", "lightning", "numpy", "adaptive-diffusion"}
    assert {"processor", "cores", "threads", "device", "source", "command", "config_sha256"} <= set(first)
    assert first["stages"]["a"]["done"]
    assert first["stages"]["a"]["seconds"] >= 0
    assert first["started"] <= first["ended"]
    assert first["earlier"] == []
    run({"a": {}})
    second = manifest(run)
    assert second["stages"] == first["stages"]
    assert second["earlier"] == [{key: value for key, value in first.items() if key != "earlier"}]
    assert second["config_sha256"] == first["config_sha256"]
