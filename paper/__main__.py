"""``python -m paper``: numbers, tables and figures from the result files; ``--check`` says whether they are current."""

import argparse
import sys
from pathlib import Path

from paper.numbers import ROOT, numbers
from paper.tables import TABLES

PAPER = ROOT / "paper"
GENERATED = PAPER / "generated"


def texts() -> dict[str, str]:
    """The generated files that are committed, by name."""
    return {"numbers.tex": numbers(), **{f"{name}.tex": table() for name, table in TABLES.items()}}


def stale(folder: Path = GENERATED) -> list[str]:
    """Names of generated files that are missing or are not what the result files say."""
    return [
        name
        for name, text in texts().items()
        if not (folder / name).is_file() or (folder / name).read_text(encoding="utf-8") != text
    ]


def main() -> None:
    """Writes or checks."""
    parser = argparse.ArgumentParser(prog="python -m paper", description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; fail if something is stale or missing")
    arguments = parser.parse_args()
    try:
        if arguments.check:
            if found := stale():
                sys.exit(f"the paper is stale: {', '.join(found)}; run python -m paper and commit what it writes")
            return
        GENERATED.mkdir(exist_ok=True)
        for name, text in texts().items():
            (GENERATED / name).write_text(text, encoding="utf-8")
    except ValueError as error:
        sys.exit(f"the paper cannot be built: {error}")
    from paper.figures import draw

    draw(PAPER / "build")


if __name__ == "__main__":
    main()
