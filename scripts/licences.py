"""Lists the licences of everything that the package and its extras depend on, in `docs/licences.md`: `make licences`.

The first table has the dependencies of `pyproject.toml` and everything that these depend on, the second what the extras
and the tools of development add. What is not installed here is named there.
"""

import json
import subprocess
import sys
import tomllib
from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError, requires
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parent.parent
TARGET = ROOT / "docs" / "licences.md"
HEADER = """# Licences of the dependencies

Made by `make licences` from the metadata of the tested versions (`constraints.txt`) on Linux with the CPU build of
torch; the CUDA build brings NVIDIA's libraries with licences of their own. The package itself is under Apache-2.0.
"""
EXTRAS = """
## Of the extras and of development

What the extras of `pyproject.toml` and the tools of development add. Nothing of it is needed to use the package.
"""
COLUMNS = """
| package | version | licence |
| --- | --- | --- |
"""


def dependencies(wanted: Iterable[str]) -> tuple[set[str], set[str]]:
    """The names of all packages that these requirements need on this machine, directly or not, and of those among them
    that are not installed."""
    pending = [Requirement(line) for line in wanted]
    seen, found, missing = {str(requirement) for requirement in pending}, set(), set()
    while pending:
        parent = pending.pop()
        name = canonicalize_name(parent.name)
        try:
            lines = requires(name) or []
        except PackageNotFoundError:
            missing.add(name)
            continue
        found.add(name)
        for requirement in map(Requirement, lines):
            extras = ["", *parent.extras]
            needed = requirement.marker is None or any(requirement.marker.evaluate({"extra": each}) for each in extras)
            if needed and str(requirement) not in seen:
                seen.add(str(requirement))
                pending.append(requirement)
    return found, missing


def table(names: set[str]) -> str:
    """The licences of packages, by name."""
    command = [sys.executable, "-m", "piplicenses", "--from=mixed", "--format=json", "--with-system", "--packages"]
    listed = subprocess.run([*command, *sorted(names)], capture_output=True, text=True, check=True)
    rows = sorted(json.loads(listed.stdout), key=lambda row: row["Name"].lower())
    lines = [f"| {row['Name']} | {row['Version'].split('+')[0]} | {_short(row['License'])} |" for row in rows]
    return COLUMNS + "\n".join(lines) + "\n"


def _short(licence: str) -> str:
    """On one line; a few packages put the whole text there, whose first line has the name."""
    return (licence.strip().splitlines() or ["UNKNOWN"])[0].replace("|", "or")


def main() -> None:
    """Writes the page."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    needed, missing = dependencies(project["dependencies"])
    every, absent = dependencies([line for lines in project["optional-dependencies"].values() for line in lines])
    left_out = ", ".join(sorted(missing | absent))
    note = f"\nNot installed where this page was made, and so not listed: {left_out}.\n" if left_out else ""
    TARGET.write_text(HEADER + table(needed) + EXTRAS + table(every - needed) + note, encoding="utf-8")
    if note:
        print(note.strip(), file=sys.stderr)


if __name__ == "__main__":
    main()
