"""Prose, configs, pages and the paper have lines of at most 120 columns; ruff checks Python."""

from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
LONGEST = 120
GENERATED = ("docs/samplers.md", "docs/licences.md")
PLACES = (
    "*.md",
    "docs/**/*.md",
    "experiments/**/*.md",
    "paper/*.md",
    "configs/**/*.yaml",
    "adaptive_diffusion/**/*.css",
    "adaptive_diffusion/**/*.js",
    "paper/sections/*.tex",
)
FILES = sorted({file for place in PLACES for file in ROOT.glob(place)} - {ROOT / name for name in GENERATED})


def may_be_longer(file: Path, line: str) -> bool:
    """A row of a table, a command or its output, a link, a formula: breaking them would change what they are."""
    if file.suffix == ".md":
        return line.startswith(("|", "    ")) or "](" in line
    return line.startswith("url:") if file.suffix == ".yaml" else file.suffix == ".tex" and "&" in line


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.relative_to(ROOT).as_posix())
def test_lines_have_at_most_120_columns(file):
    lines = enumerate(file.read_text(encoding="utf-8").splitlines(), 1)
    assert [number for number, line in lines if len(line) > LONGEST and not may_be_longer(file, line)] == []
