"""What the documents promise is there: links lead to files, commands exist, versions agree."""

import re
import subprocess
import tomllib
from pathlib import Path

import pytest
from typer.testing import CliRunner

import adaptive_diffusion
from adaptive_diffusion.cli.app import app

ROOT = Path(__file__).parent.parent
DOCUMENTS = sorted(file for file in ROOT.rglob("*.md") if not {".venv", "runs"} & set(file.relative_to(ROOT).parts[:1]))
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]

documents = pytest.mark.parametrize("document", DOCUMENTS, ids=lambda file: file.relative_to(ROOT).as_posix())


@documents
def test_links_lead_to_files_that_are_there(document):
    links = re.findall(r"\]\(([^)#\s]+)[^)]*\)", document.read_text())
    assert [link for link in links if "://" not in link and not (document.parent / link).exists()] == []


@documents
def test_make_targets_that_are_mentioned_exist(document):
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    mentioned = re.findall(r"(?:^    |`)make ([a-z][a-z-]*)", document.read_text(), re.MULTILINE)
    assert set(mentioned) <= targets


@documents
def test_commands_that_are_mentioned_exist(document):
    for name in set(re.findall(r"adaptive-diffusion ([a-z]+)", document.read_text())):
        assert CliRunner().invoke(app, [name, "--help"]).exit_code == 0, name


def test_every_target_is_listed_by_make_help():
    makefile = (ROOT / "Makefile").read_text()
    listed = subprocess.run(["make", "-C", str(ROOT), "help"], capture_output=True, text=True, check=True).stdout
    phony = re.search(r"^\.PHONY: (.*)$", makefile, re.MULTILINE)
    assert phony is not None
    assert [target for target in phony[1].split() if f"make {target} " not in listed] == []


def test_the_version_is_the_same_everywhere():
    assert PROJECT["version"] == adaptive_diffusion.__version__


def test_every_dependency_is_pinned_in_the_constraints():
    pinned = {
        line.split("==")[0].lower() for line in (ROOT / "constraints.txt").read_text().splitlines() if "==" in line
    }
    extras = PROJECT["optional-dependencies"]
    wanted = [*PROJECT["dependencies"], *extras["dev"], *extras["release"]]
    names = {re.split(r"[^A-Za-z0-9_-]", each)[0].lower().replace("-", "_") for each in wanted}
    assert names - {name.replace("-", "_") for name in pinned} == set()


def test_constraints_have_no_local_versions_so_that_every_index_serves():
    assert "+" not in (ROOT / "constraints.txt").read_text()
