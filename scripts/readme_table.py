"""Puts the table of docs/quickstart/summary.json into README.md; with --check, says whether it is already there."""

import json
import re
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
TABLE = re.compile(r"(<!-- table:quickstart -->\n).*?(<!-- /table -->)", re.DOTALL)


def table() -> str:
    """The summary as Markdown, a row a sampler."""
    summary = json.loads((ROOT / "docs/quickstart/summary.json").read_text(encoding="utf-8"))
    lines = ["| sampler | exact | mean NFE | p95 | max | revisions |", "|---|---|---|---|---|---|"]
    lines += [
        f"| `{row['sampler']}` | {100 * row['exact']:.1f}% | {row['nfe_mean']:.2f} | {row['nfe_p95']:.0f} "
        f"| {row['nfe_max']:.0f} | {row['revisions_mean']:.2f} |"
        for row in summary["samplers"]
    ]
    return "\n".join(lines) + "\n"


def main() -> None:
    """Writes or checks."""
    path = ROOT / "README.md"
    text = path.read_text(encoding="utf-8")
    new = TABLE.sub(lambda found: found[1] + table() + found[2], text)
    if "--check" in sys.argv[1:]:
        sys.exit(0 if new == text else "README.md is stale: run python scripts/readme_table.py")
    path.write_text(new, encoding="utf-8")


if __name__ == "__main__":
    main()
