"""`analyze` on runs whose traces were made without a sampler."""

import json
from pathlib import Path

import pyarrow.csv
import pytest
from synthetic_traces import simulate
from typer.testing import CliRunner

from adaptive_diffusion.cli.app import app
from adaptive_diffusion.core.trace import read_trace


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder: Path = tmp_path_factory.mktemp("runs") / "one"
    for seed, (name, setting) in enumerate({"threshold_0.9": {}, "learned": {"learned": True, "finds": 0.5}}.items()):
        simulate(folder / "traces" / name, 30, side=4, mistake=0.05, seed=seed, **setting)
    row = {"sampler": "learned", "family": "learned", "heads": ["halting"], "correct": 0.5, "seconds": 1.5}
    (folder / "summary.json").write_text(json.dumps({"task": "sudoku_4x4", "samplers": [row]}))
    return folder


def analyze(*arguments: object):
    return CliRunner().invoke(app, ["analyze", *map(str, arguments)])


def test_a_run_is_shown_in_tables_figures_and_numbers(run: Path, tmp_path: Path):
    out = tmp_path / "out"
    shown = analyze(run, "--out", out, "--by", "clues")
    assert shown.exit_code == 0, shown.output
    for title in ("Samplers", "Queries that took more steps", "Mean NFE by guesses", "Correct % by clues"):
        assert title in shown.output
    assert max(map(len, shown.output.splitlines()[:-1])) <= 80
    assert "…" not in shown.output
    names = {path.name for path in (out / "figures").iterdir()}
    assert {f"nfe_by_clues.{end}" for end in ("png", "svg")} <= names
    sheets = {sheet["title"]: sheet["rows"] for sheet in json.loads((out / "analysis.json").read_text())}
    assert [row["sampler"] for row in sheets["Samplers"]] == ["learned", "threshold_0.9"]
    assert sheets["Samplers"][0]["seconds"] == 1.5


def test_every_query_and_every_position_is_in_a_file(run: Path, tmp_path: Path):
    analyze(run, "--out", tmp_path / "out")
    tables = tmp_path / "out" / "tables"
    queries, positions = (pyarrow.csv.read_csv(tables / f"{name}.csv") for name in ("queries", "positions"))
    trace = read_trace(run / "traces" / "learned").rows
    assert queries.num_rows == 60
    assert queries["nfe"].to_pylist()[:30] == trace["nfe"].to_pylist()
    assert positions.num_rows == 2 * 16
    revisions = sum(positions["revisions_per_query"].to_pylist()[:16]) * 30
    assert revisions == pytest.approx(sum(trace["revisions"].to_pylist()))


def test_several_runs_stand_side_by_side(run: Path, tmp_path: Path):
    simulate(tmp_path / "two" / "traces" / "learned", 30, side=4, seed=9)
    shown = analyze(run, tmp_path / "two", "--out", tmp_path / "out", "--json")
    rows = json.loads(shown.stdout)[0]["rows"]
    assert [row["sampler"] for row in rows] == ["one/learned", "one/threshold_0.9", "two/learned"]


def test_a_second_analysis_replaces_the_first_and_nothing_else(run: Path, tmp_path: Path):
    assert analyze(run, "--out", tmp_path / "out").exit_code == 0
    assert analyze(run, "--out", tmp_path / "out").exit_code == 0
    (tmp_path / "mine").mkdir()
    refused = analyze(run, "--out", tmp_path / "mine")
    assert refused.exit_code == 2
    assert "holds no analysis" in refused.stderr


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [(("--by", "colour"), "rows have no column 'colour'; they have query"), (("nowhere",), "nowhere holds no traces")],
)
def test_what_cannot_be_analysed_is_refused_with_a_message(run: Path, tmp_path: Path, arguments, sentence):
    refused = analyze(run, *arguments, "--out", tmp_path / "out")
    assert refused.exit_code == 2
    assert sentence in refused.stderr


def test_a_summary_of_other_answers_than_the_trace_is_left_out(tmp_path: Path):
    simulate(tmp_path / "run" / "traces" / "learned", 20, side=4)
    stale = {"sampler": "learned", "correct": 1.0, "nfe_mean": 99.0, "queries": 2, "seconds": 1.5}
    (tmp_path / "run" / "summary.json").write_text(json.dumps({"samplers": [stale]}))
    (row,) = json.loads(analyze(tmp_path / "run", "--out", tmp_path / "out", "--json").stdout)[0]["rows"]
    assert row["queries"] == 20
    assert row["NFE_mean"] < 99
    assert not row.get("seconds")


def test_samplers_of_other_puzzles_under_the_same_numbers_are_not_compared(tmp_path: Path):
    for number, name in enumerate(("fixed_2", "fixed_4", "threshold")):
        simulate(
            tmp_path / "run" / "traces" / name, 20, side=4, puzzles=number // 2, seed=number, family=name.split("_")[0]
        )
    with pytest.warns(UserWarning, match="fixed_2 and threshold answered different queries"):
        shown = analyze(tmp_path / "run", "--out", tmp_path / "out", "--json")
    assert not any("compared" in table["title"] for table in json.loads(shown.stdout))
