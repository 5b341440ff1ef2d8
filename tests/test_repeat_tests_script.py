"""The script that repeats the tests appends every run to a record."""

import importlib.util
import json
import subprocess
import sys
from datetime import datetime
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
TESTS = "def test_right():\n    pass\n\n\ndef test_wrong():\n    raise ValueError\n"


@pytest.fixture
def repeat(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    """Calls the script on a folder of two tests, one of which fails, and returns its exit status."""
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests" / "test_two.py").write_text(TESTS)
    (tmp_path / "tests" / "pytest.ini").write_text("[pytest]\n")  # names of tests begin here, wherever this clone lies
    spec = importlib.util.spec_from_file_location("repeat_tests", ROOT / "scripts" / "repeat_tests.py")
    assert spec is not None
    assert spec.loader is not None
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)

    def call(*options: object) -> int | str | None:
        arguments = [*map(str, options), "--load", "0", str(tmp_path / "tests")]
        monkeypatch.setattr(sys, "argv", ["repeat_tests.py", *arguments])
        with pytest.raises(SystemExit) as ended:
            script.main()
        return ended.value.code

    return call


def test_runs_of_several_calls_are_collected_in_one_file(repeat, tmp_path):
    record = tmp_path / "runs.json"
    assert repeat(1, "--first-seed", 3, "--record", record) == 1
    assert repeat(1, "--first-seed", 4, "--record", record) == 1
    runs = json.loads(record.read_text())
    head = subprocess.run(["git", "rev-parse", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert [run["seed"] for run in runs] == [3, 4]
    for run in runs:
        assert (run["tests"], run["failed"], run["load"]) == (2, ["test_two::test_wrong"], 0)
        assert run["commit"] == head.strip()
        assert isinstance(run["dirty"], bool)
        assert datetime.fromisoformat(run["begun"]).utcoffset().total_seconds() == 0
        assert run["cores"] >= 1
        assert run["load_average"] >= 0
        assert run["arguments"] == [str(tmp_path / "tests")]


def test_nothing_is_recorded_without_the_option(repeat, tmp_path):
    assert repeat(1) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["tests"]


@pytest.mark.parametrize("content", ["{", '{"seed": 1}'])
def test_file_that_is_no_record_is_refused_before_the_first_run_and_stays_as_it_is(
    monkeypatch, repeat, tmp_path, content
):
    record = tmp_path / "runs.json"
    record.write_text(content)
    monkeypatch.setattr(subprocess, "run", None)  # a run would need it
    assert str(record) in str(repeat(1, "--record", record))
    assert record.read_text() == content
