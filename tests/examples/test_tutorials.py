"""Every tutorial runs as it stands, and prints what its page shows."""

import re
import runpy
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TUTORIALS = ROOT / "docs/tutorials"
SCRIPTS = sorted(file.stem for file in TUTORIALS.glob("*.py"))


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("name", SCRIPTS)
def test_tutorial_prints_what_its_page_shows(name, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    runpy.run_path(str(TUTORIALS / f"{name}.py"), run_name="__main__")
    assert capsys.readouterr().out == (TUTORIALS / f"{name}.txt").read_text()


@pytest.mark.parametrize("name", SCRIPTS)
def test_page_shows_all_of_its_script_and_all_of_its_output(name):
    page, script = (TUTORIALS / f"{name}.md").read_text(), (TUTORIALS / f"{name}.py").read_text()
    sections = re.findall(r"\[start:(\w+)\]", script)
    assert re.findall(rf'^--8<-- "docs/tutorials/{name}\.py:(\w+)"$', page, re.MULTILINE) == sections
    ranges = [
        (int(first), int(last))
        for first, last in re.findall(rf'^--8<-- "docs/tutorials/{name}\.txt:(\d+):(\d+)"$', page, re.M)
    ]
    lines = len((TUTORIALS / f"{name}.txt").read_text().splitlines())
    assert [number for first, last in ranges for number in range(first, last + 1)] == list(range(1, lines + 1))


def test_tutorials_are_pages_of_the_site():
    navigation = (ROOT / "mkdocs.yml").read_text()
    assert all(f"tutorials/{file.name}" in navigation for file in TUTORIALS.glob("*.md"))
