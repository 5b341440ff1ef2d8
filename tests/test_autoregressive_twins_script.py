"""The script that puts twins beside masked denoisers: it pairs runs by task and seed, and queries one by one."""

import json
import sys
from importlib import import_module
from pathlib import Path

import pytest
from synthetic_traces import Row, commit, record

TWIN = "left_to_right"
SCRIPTS = Path(__file__).parents[1] / "experiments" / "autoregressive_twins"


@pytest.fixture
def collect(monkeypatch, tmp_path):
    monkeypatch.syspath_prepend(str(SCRIPTS))
    found = import_module("collect")
    monkeypatch.setattr(found, "RESULTS", tmp_path / "results")
    yield found
    sys.modules.pop("collect")


def run(folder: Path, task: str, sampler: str, right: list[bool], *others: dict) -> Path:
    """A run whose sampler answered so many queries, some of them right."""
    rows = [Row([-1], [[commit(0, int(one))]], [1], query=number) for number, one in enumerate(right)]
    record(folder / "traces" / sampler, rows)
    row = {"sampler": sampler, "correct": sum(right) / len(right), "nfe_mean": 6.0}
    summary = {"task": task, "seed": 0, "samplers": [row, *others]}
    (folder / "summary.json").write_text(json.dumps(summary))
    return folder


def test_twins_stand_beside_the_masked_denoisers_of_their_task(collect, tmp_path, monkeypatch, capsys):
    near = {"sampler": "threshold_0.9", "correct": 0.75, "nfe_mean": 2.0}
    worse = {"sampler": "threshold_0.1", "correct": 0.5, "nfe_mean": 1.0}
    masked = run(tmp_path / "masked", "mazes", "confidence", [True, True, True, False], near, worse)
    twin = run(tmp_path / "twin", "mazes", TWIN, [False, True, False, True])
    alone = run(tmp_path / "alone", "graphs", TWIN, [True])
    monkeypatch.setattr("sys.argv", ["collect.py", "--twins", str(twin), str(alone), "--masked", str(masked)])
    collect.main()
    (pair,) = json.loads((tmp_path / "results" / "summary.json").read_text())["tasks"]
    assert (pair["name"], pair["queries"]) == ("mazes", 4)
    assert (pair["masked"]["correct"], pair["twin"]["correct"]) == (0.75, 0.5)
    assert pair["masked_cheapest"]["sampler"] == "threshold_0.9"
    assert pair["gain"]["value"] == pytest.approx(0.25)
    shown = capsys.readouterr().out
    assert "graphs, seed 0: only one of the two runs is there" in shown
    assert "| `mazes` | 0 | 4 | 50.0% at 6.00 NFE | 75.0% at 6.00 NFE | +25.0 points" in shown
    assert (tmp_path / "results" / "table.md").read_text() in shown
    other = run(tmp_path / "masked_2", "words", "confidence", [True]), run(tmp_path / "twin_2", "words", TWIN, [False])
    monkeypatch.setattr("sys.argv", ["collect.py", "--twins", str(other[1]), "--masked", str(other[0])])
    collect.main()
    kept, added = json.loads((tmp_path / "results" / "summary.json").read_text())["tasks"]
    assert kept == pair
    assert added["name"] == "words"


def test_note_of_a_pair_stands_under_the_table(collect):
    pairs = json.loads((SCRIPTS / "results" / "summary.json").read_text())["tasks"]
    shown = collect.table(pairs)
    assert shown == (SCRIPTS / "results" / "table.md").read_text()
    assert shown.endswith(
        "NFE |\n\n`maze_9x9`, seed 0: the masked denoiser was trained with seed 2, the twin with seed 0.\n"
    )


def test_runs_on_other_queries_are_refused(collect, tmp_path):
    masked = run(tmp_path / "masked", "mazes", "confidence", [True, True])
    twin = run(tmp_path / "twin", "mazes", TWIN, [True])
    with pytest.raises(ValueError, match="answered 2 queries and .* 1; run both on the same ones"):
        collect.compared(masked, twin)
