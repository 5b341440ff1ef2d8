"""docs/promises.md names tests that exist, and figures that are those of their files."""

import ast
import json
import re
from pathlib import Path

ROOT = Path(__file__).parent.parent
TEXT = (ROOT / "docs" / "promises.md").read_text()
NAMED = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", TEXT)
ROWS = [line for line in TEXT.splitlines() if line.startswith("|") and not line.startswith(("| promise", "|---"))]


def test_every_test_that_is_named_exists():
    tests = {
        (file, node.name)
        for file in {file for file, _ in NAMED}
        if (ROOT / file).is_file()
        for node in ast.parse((ROOT / file).read_text()).body
        if isinstance(node, ast.FunctionDef)
    }
    assert [name for name in NAMED if name not in tests] == []


def test_every_promise_has_a_test_or_a_command():
    assert len(ROWS) > 30
    assert [row for row in ROWS if not re.search(r"`(tests/[\w/]+\.py::\w+|make [\w-]+)`", row)] == []


def test_files_that_are_named_as_figures_are_there():
    files = re.findall(r"`([\w/]+\.json)`", TEXT)
    assert [file for file in files if not (ROOT / file).is_file()] == []


def marked(name: str) -> str:
    found = re.search(rf"<!-- {name} -->(.*?)<!-- /{name} -->", TEXT)
    assert found is not None
    return found[1]


def test_the_figure_of_the_kills_is_that_of_its_file_and_all_were_survived():
    file = ROOT / "docs" / "chaos.json"
    if not file.is_file():
        assert marked("chaos") == "not yet measured"
        return
    rows = json.loads(file.read_text())["commands"]
    kills = sum(row["kills"] for row in rows.values())
    assert kills >= 100
    assert len(rows) == 9
    assert sum(row["rows_lost"] + row["corrupt_files"] for row in rows.values()) == 0
    assert sum(row["equal_results"] for row in rows.values()) == kills
    described = f"{kills} kills of {', '.join(rows)}: 0 rows lost, 0 corrupt files, {kills} equal results"
    assert marked("chaos") == f"{described} (`docs/chaos.json`)"


def test_the_figure_of_the_situations_is_that_of_their_file_and_all_were_survived():
    situations = json.loads((ROOT / "docs" / "chaos.json").read_text())["situations"]
    rows = [row for commands in situations.values() for row in commands.values() if "skipped" not in row]
    times = sum(row["times"] for row in rows)
    assert sum(row["survived"] for row in rows) == times > 0
    assert marked("situations") == f"{times} times in {len(rows)} pairs of command and situation: {times} survived"


def test_the_figure_of_the_repeated_tests_is_that_of_its_file_and_none_failed():
    runs = json.loads((ROOT / "docs" / "repeated_tests.json").read_text())
    assert len({run["seed"] for run in runs}) == len(runs) >= 20
    assert [run["failed"] for run in runs] == [[]] * len(runs)
    assert not any(run["dirty"] for run in runs)
    fewest = min(run["tests"] for run in runs)
    described = f"{len(runs)} runs in random order of at least {fewest:,} tests: 0 failures"
    assert marked("repeated") == f"{described} (`docs/repeated_tests.json`)"
