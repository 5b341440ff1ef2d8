"""The house rules that a parser can check: imports point strictly downwards, files stay short, no drawer."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = "adaptive_diffusion"
ROOT = Path(__file__).parent.parent / PACKAGE
LONGEST_FILE = 300
DRAWERS = {"utils", "util", "helpers", "helper", "misc", "common"}

FLOORS: list[set[str]] = [
    {"core"},
    {"rules", "models", "tasks"},
    {"sampling", "decoding", "objectives", "evaluation"},
    {"training", "analysis"},
]
# The top floor is a staircase: what stands on the left is imported by what stands to its right, never the reverse.
STAIRS = ["config", "storage", "runs", "plugins", "cli", "__main__"]
HEIGHT = {room: floor for floor, rooms in enumerate(FLOORS) for room in rooms}
HEIGHT |= {room: len(FLOORS) + step for step, room in enumerate(STAIRS)}

FILES = sorted(ROOT.rglob("*.py"))


def room_of(module: str) -> str:
    """The room of a dotted name inside the package; the package root itself is the room ``""``."""
    return module.split(".")[1] if "." in module else ""


def name_of(file: Path) -> str:
    parts = file.relative_to(ROOT.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports_of(source: str, module: str, is_package: bool) -> Iterator[str]:
    """Every dotted name imported anywhere in ``source``: inside functions and under ``TYPE_CHECKING`` too."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                ancestors = module.split(".")[: len(module.split(".")) - node.level + is_package]
                base = ".".join([*ancestors, base] if base else ancestors)
            yield from (f"{base}.{alias.name}" for alias in node.names)


def violations(source: str, module: str, is_package: bool = False) -> list[str]:
    here = room_of(module)
    found = []
    for target in imports_of(source, module, is_package):
        if target.split(".")[0] != PACKAGE:
            continue
        there = room_of(target)
        if there == here or there not in HEIGHT:
            continue
        if here not in HEIGHT or HEIGHT[there] >= HEIGHT[here]:
            found.append(f"{module} imports {target}")
    return found


@pytest.mark.parametrize("file", FILES, ids=name_of)
def test_imports_point_strictly_downwards(file):
    assert violations(file.read_text(), name_of(file), file.name == "__init__.py") == []


@pytest.mark.parametrize("file", FILES, ids=name_of)
def test_a_file_fits_in_three_hundred_lines(file):
    assert len(file.read_text().splitlines()) <= LONGEST_FILE


def test_there_is_no_drawer_for_odds_and_ends():
    assert [name_of(file) for file in FILES if DRAWERS & set(name_of(file).split("."))] == []


def test_every_room_has_its_floor():
    rooms = {path.stem for path in ROOT.iterdir() if path.suffix == ".py" or (path / "__init__.py").exists()}
    assert rooms - {"__init__"} <= set(HEIGHT)


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("core.state", "from adaptive_diffusion.rules.order import Margin"),
        ("rules.order", "import adaptive_diffusion.models"),
        ("rules.order", "from adaptive_diffusion import tasks"),
        ("rules.order", "from ..models import transformer"),
        ("sampling.step", "def f():\n    from adaptive_diffusion.evaluation import metrics"),
        (
            "analysis.report",
            "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n import adaptive_diffusion.training",
        ),
        ("storage.folder", "import adaptive_diffusion.cli"),
        ("config", "from adaptive_diffusion.storage import folder"),
    ],
)
def test_an_import_upwards_or_sideways_is_found(module, source):
    assert len(violations(source, f"{PACKAGE}.{module}")) == 1


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("rules.order", "from adaptive_diffusion.core.state import SamplerState"),
        ("rules.order", "from adaptive_diffusion.rules.pace import Threshold\nfrom .pace import Threshold"),
        ("cli.run", "from adaptive_diffusion import __version__, runs\nimport torch"),
    ],
)
def test_an_import_downwards_or_within_the_room_is_allowed(module, source):
    assert violations(source, f"{PACKAGE}.{module}") == []
