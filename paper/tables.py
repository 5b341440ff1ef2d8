"""Tables of the paper, from result files."""

from collections.abc import Sequence
from typing import Any

from paper.numbers import FORMATS, results


def quickstart() -> str:
    """Every sampler of the quickstart."""
    caption = (
        r"Samplers of one denoiser on the same unseen $6\times6$ puzzles. Thresholds are on the confidence of a token."
    )
    return samplers("quickstart", caption, results("quickstart")["samplers"])


def samplers(label: str, caption: str, rows: Sequence[dict[str, Any]]) -> str:
    """Rows of a summary: what a sampler reaches, and what it costs."""
    header = ["sampler", "exact", "valid", "mean NFE", "p95", "max", "revisions"]
    kinds = {
        "sampler": "name",
        "exact": "percent",
        "valid": "percent",
        "nfe_mean": "two",
        "nfe_p95": "count",
        "nfe_max": "count",
        "revisions_mean": "three",
    }
    return _table(label, caption, header, [[FORMATS[kind](row[key]) for key, kind in kinds.items()] for row in rows])


def slots() -> str:
    """The slot loop against the loop that keeps finished rows."""
    caption = (
        "A loop that lets finished rows leave against one that keeps them. Spread: maximum over mean NFE. Faster: "
        "ratio of wall-clock times. Fewer: ratio of rows forwarded. Saved: the one over the other."
    )
    rows = [row for row in results("slots")["rows"] if row["name"].startswith("slots/")]
    cells = [
        [
            FORMATS["spread"](row),
            *(FORMATS["two"](row[key]) for key in ("nfe_mean", "time_ratio", "rows_ratio", "saved")),
        ]
        for row in rows
    ]
    return _table("slots", caption, ["spread", "mean NFE", "faster", "fewer", "saved"], cells)


def _table(label: str, caption: str, header: Sequence[str], cells: Sequence[Sequence[str]]) -> str:
    rows = [" & ".join(row) + r" \\" for row in cells]
    return "\n".join(
        [
            "% Written by python -m paper from the result files; do not edit.",
            r"\begin{table}[t]\centering\small",
            rf"\caption{{{caption}}}\label{{tab:{label}}}",
            rf"\begin{{tabular}}{{l{'r' * (len(header) - 1)}}}",
            r"\toprule",
            " & ".join(header) + r" \\",
            r"\midrule",
            *rows,
            r"\bottomrule",
            r"\end{tabular}",
            r"\end{table}",
            "",
        ]
    )


TABLES = {"quickstart": quickstart, "slots": slots}
