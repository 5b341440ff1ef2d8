"""The documents agree with the repository: links, make targets, commands, versions."""

import ast
import importlib
import importlib.metadata
import importlib.util
import re
import subprocess
import tomllib
from itertools import groupby
from pathlib import Path
from types import SimpleNamespace

import yaml
from typer.testing import CliRunner

import adaptive_diffusion
from adaptive_diffusion.cli.app import app

ROOT = Path(__file__).parent.parent
DOCUMENTS = sorted(file for file in ROOT.rglob("*.md") if not {".venv", "runs"} & set(file.relative_to(ROOT).parts[:1]))
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def found(pattern: str) -> list[tuple[Path, str]]:
    """Every document with each text that matches the group of ``pattern`` in it."""
    return [(file, match) for file in DOCUMENTS for match in re.findall(pattern, file.read_text(), re.MULTILINE)]


def test_links_lead_to_files_that_exist():
    links = found(r"\]\(([^)#\s]+)[^)]*\)")
    assert [link for link in links if "://" not in link[1] and not (link[0].parent / link[1]).exists()] == []


def test_make_targets_that_are_mentioned_exist():
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert [each for each in found(r"(?:^    |`)make ([a-z][a-z-]*)") if each[1] not in targets] == []


def test_commands_that_are_mentioned_exist():
    for name in {name for _, name in found(r"adaptive-diffusion ([a-z]+)")}:
        assert CliRunner().invoke(app, [name, "--help"]).exit_code == 0, name


def test_scripts_import_names_that_exist():
    """Files outside the package, which neither the type checker nor another test reads."""
    folders = ("benchmarks", "examples", "experiments", "paper", "scripts")
    imports = [
        (file.relative_to(ROOT).as_posix(), node.module, alias.name)
        for folder in folders
        for file in sorted((ROOT / folder).rglob("*.py"))
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] == "adaptive_diffusion"
        for alias in node.names
    ]
    assert [each for each in imports if not importable(*each[1:])] == []


def importable(module: str, name: str) -> bool:
    try:
        return hasattr(importlib.import_module(module), name) or bool(importlib.util.find_spec(f"{module}.{name}"))
    except ModuleNotFoundError:
        return False


def test_every_target_is_listed_by_make_help():
    makefile = (ROOT / "Makefile").read_text()
    listed = subprocess.run(["make", "-C", str(ROOT), "help"], capture_output=True, text=True, check=True).stdout
    phony = re.search(r"^\.PHONY: (.*)$", makefile, re.MULTILINE)
    assert phony is not None
    assert [target for target in phony[1].split() if f"make {target} " not in listed] == []


def test_shuffled_tests_are_the_same_and_those_of_a_file_stay_together(monkeypatch):
    monkeypatch.syspath_prepend(ROOT / "scripts")
    order = importlib.import_module("shuffled").shuffled
    items = [SimpleNamespace(path=file, name=name) for file in "abc" for name in range(5)]
    found = order(items, "1")
    assert sorted((one.path, one.name) for one in found) == [(one.path, one.name) for one in items]
    assert len([file for file, _ in groupby(one.path for one in found)]) == 3
    assert order(items, "1") == found != order(items, "2")


def test_version_comes_from_the_git_tag_and_is_written_in_no_file():
    assert PROJECT["dynamic"] == ["version"]
    assert adaptive_diffusion.__version__ == importlib.metadata.version("adaptive-diffusion")


def test_changelog_has_the_form_of_keep_a_changelog_and_repeats_nothing():
    lines = (ROOT / "CHANGELOG.md").read_text().splitlines()
    versions = [line for line in lines if line.startswith("## ")]
    assert versions[0] == "## [Unreleased]"
    assert [line for line in versions[1:] if not re.fullmatch(r"## \[\d+\.\d+\.\d+\] - \d{4}-\d\d-\d\d", line)] == []
    kinds = {"Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"}
    assert {line[4:] for line in lines if line.startswith("### ")} <= kinds
    entries = [line for line in lines if line.startswith(("- ", "  "))]
    assert len(entries) == len(set(entries))


def test_citation_file_has_what_its_format_asks_for_and_agrees_with_the_package():
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    required = {"cff-version", "message", "title", "authors"}
    allowed = required | {
        "type",
        "license",
        "version",
        "date-released",
        "abstract",
        "keywords",
        "url",
        "repository-code",
    }
    assert required <= set(citation) <= allowed
    assert citation["cff-version"] == "1.2.0"
    assert citation["authors"]
    assert all("name" in author or {"given-names", "family-names"} <= set(author) for author in citation["authors"])
    assert (citation["license"], citation["type"]) == (PROJECT["license"], "software")
    assert citation["title"].startswith(PROJECT["name"])


def test_readme_begins_with_what_it_is_and_leads_from_trying_to_results():
    headings = re.findall(r"^## (.*)$", (ROOT / "README.md").read_text(), re.MULTILINE)
    assert headings == [
        *("Two commands", "Install", "Thirty seconds with a pretrained model", "Ten minutes with your own training"),
        *("Three lines", "Your own data, model and rule", "Results", "Commands", "Where things are"),
    ]


def test_every_dependency_is_pinned_in_the_constraints():
    pinned = {
        line.split("==")[0].lower() for line in (ROOT / "constraints.txt").read_text().splitlines() if "==" in line
    }
    extras = PROJECT["optional-dependencies"]
    wanted = [*PROJECT["dependencies"], *extras["dev"], *extras["docs"], *extras["release"]]
    names = {re.split(r"[^A-Za-z0-9_-]", each)[0].lower().replace("-", "_") for each in wanted}
    assert names - {name.replace("-", "_") for name in pinned} == set()


def test_constraints_have_no_local_versions_so_that_every_index_serves():
    assert "+" not in (ROOT / "constraints.txt").read_text()
