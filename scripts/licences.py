"""Lists the licences of the installed packages that the package depends on, in `docs/licences.md`: `make licences`.

The list covers the dependencies of `pyproject.toml` (extras left out) and everything that these depend on.
"""

import json
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, requires
from pathlib import Path

from packaging.requirements import Requirement

PACKAGE = "adaptive-diffusion"
TARGET = Path(__file__).parent.parent / "docs" / "licences.md"
HEADER = """# Licences of the dependencies

Made by `make licences` from the metadata of the tested versions (`constraints.txt`) on Linux with the CPU build of
torch; the CUDA build brings NVIDIA's libraries with licences of their own. The package itself is under Apache-2.0.

| package | version | licence |
| --- | --- | --- |
"""


def dependencies(package: str) -> set[str]:
    """The names of all packages that ``package`` needs on this machine, directly or not."""
    found, pending = set(), [Requirement(package)]
    while pending:
        parent = pending.pop()
        try:
            lines = requires(parent.name) or []
        except PackageNotFoundError:
            continue
        for requirement in map(Requirement, lines):
            extras = ["", *parent.extras]
            needed = requirement.marker is None or any(requirement.marker.evaluate({"extra": each}) for each in extras)
            if needed and str(requirement) not in found:
                found.add(str(requirement))
                pending.append(requirement)
    return {Requirement(line).name for line in found}


def main() -> None:
    command = [sys.executable, "-m", "piplicenses", "--from=mixed", "--format=json", "--packages"]
    listed = subprocess.run([*command, *sorted(dependencies(PACKAGE))], capture_output=True, text=True, check=True)
    rows = sorted(json.loads(listed.stdout), key=lambda row: row["Name"].lower())
    lines = [f"| {row['Name']} | {row['Version'].split('+')[0]} | {row['License']} |" for row in rows]
    TARGET.write_text(HEADER + "\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
