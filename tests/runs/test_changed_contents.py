"""Results are kept only as long as the code and the data that they were made with are what they were."""

import importlib
import sys
from pathlib import Path

import pytest

from adaptive_diffusion.config import named_sampler
from adaptive_diffusion.runs import contents
from adaptive_diffusion.runs.experiment import read_stages, run_experiment
from adaptive_diffusion.runs.query_job import QueryJob
from adaptive_diffusion.storage.folder import RunFolder

WORK = "user_extensions.Work"
ALLOW = ("user_extensions", "mine")
CODE = "from user_extensions import Work\n\nclass Mine(Work):\n    pass\n"


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Runs stages beside a module and a file of data; hands back what was said and which stages were called."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    Path("mine.py").write_text(CODE)
    Path("sums.jsonl").write_text("1\n2\n")
    log = tmp_path / "log.txt"

    def run(stages, task=None, **options):
        log.write_text("")
        importlib.invalidate_caches()
        output = []
        plain = {name: {"_target_": WORK, "log": "log.txt"} | node for name, node in stages.items()}
        with RunFolder("run", ALLOW) as folder:
            run_experiment({"seed": 3, "task": task, "stages": plain}, folder, say=output.append, **options)
        return output, log.read_text().split()

    yield run
    sys.modules.pop("mine", None)


STAGES = {"a": {}, "b": {"_target_": "mine.Mine"}, "c": {}}


def test_changed_code_of_a_stage_is_refused_and_an_update_runs_it_and_what_follows(run):
    assert run(STAGES)[1] == ["a", "b", "c"]
    assert run(STAGES)[1] == []
    Path("mine.py").write_text(CODE + "# changed\n")
    with pytest.raises(ValueError, match=r"other code or data: the code of mine is not what it was\. .*--update"):
        run(STAGES)
    output, called = run(STAGES, update=True)
    assert called == ["b", "c"]
    assert "b: the code of mine has changed, so it is run anew" in output
    assert run(STAGES)[1] == []


def test_changed_data_is_refused_and_an_update_runs_all_stages(run):
    task = {"path": "sums.jsonl"}
    run({"a": {}, "b": {}}, task)
    Path("sums.jsonl").write_text("1\n")
    with pytest.raises(ValueError, match=r"run was made with other code or data: sums\.jsonl is not what it was\."):
        run({"a": {}, "b": {}}, task)
    assert run({"a": {}, "b": {}}, task, update=True)[1] == ["a", "b"]


def test_data_that_was_moved_away_is_no_change(run):
    run({"a": {}}, {"path": "sums.jsonl"})
    Path("sums.jsonl").unlink()
    assert run({"a": {}}, {"path": "sums.jsonl"}) == (["a: finished before, skipped"], [])


def test_a_stage_that_failed_is_tried_again_with_mended_code(run):
    with pytest.raises(RuntimeError, match="fire"):
        run({"a": {}, "b": {"_target_": "mine.Mine", "then": "fail"}})
    Path("mine.py").write_text(CODE + "# mended\n")
    with pytest.raises(RuntimeError, match="fire"):
        run({"a": {}, "b": {"_target_": "mine.Mine", "then": "fail"}})


def test_nothing_is_noted_where_a_config_names_neither_code_nor_files(run):
    node = {"_target_": "adaptive_diffusion.runs.stages.Report", "title": "Sums"}
    assert read_stages({"seed": 3, "task": {"path": "."}, "stages": {"page": node}}, ALLOW)[0].contents == {}
    assert contents.files_named({"seed": 1, "name": "no such file", "folder": ".", "long": "x" * 5000}) == {}
    assert contents.code_of(["no_such_module", "no.such.module", "sys"]) == {}


def test_a_large_file_is_compared_by_its_size_and_time(run, monkeypatch):
    monkeypatch.setattr(contents, "LARGEST_READ", 1)
    before = contents.files_named({"path": "sums.jsonl"})
    assert contents.files_named({"path": "sums.jsonl"}) == before
    Path("sums.jsonl").write_text("1\n2\n3\n")
    assert contents.changed(before, contents.files_named({"path": "sums.jsonl"})) == ["sums.jsonl"]


def test_code_of_a_package_is_all_its_modules(run):
    Path("own/inner").mkdir(parents=True)
    for name in ("own/__init__.py", "own/inner/rules.py"):
        Path(name).write_text("")
    importlib.invalidate_caches()
    before = contents.code_of(["own"])
    Path("own/inner/rules.py").write_text("x = 1\n")
    assert contents.changed(before, contents.code_of(["own"])) == ["the code of own"]
    assert "own" not in sys.modules


def test_stored_answers_are_those_of_the_same_code(run):
    Path("queries.txt").write_text("123456456123231564564231312645.45312\n")

    def digest(*allow):
        job = QueryJob(Path("sudoku-6x6"), Path("queries.txt"), allow=allow, folder=Path("answers"))
        with job.held() as held:
            return job.sampler(job.open()[0], named_sampler("confidence"), held).digest

    first = digest("mine")
    assert digest("mine") == first
    Path("mine.py").write_text(CODE + "# changed\n")
    assert digest("mine") != first
    assert digest() == digest("no_such_module")
