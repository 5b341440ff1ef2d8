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


def thresholds() -> str:
    """The learned sampler of each seed beside the threshold it is held against."""
    caption = (
        r"The learned sampler in each seed, and the threshold of smallest mean NFE that is not below its own. Gain: "
        r"points of exact answers, paired by query, with its $95\%$ interval."
    )
    cells = []
    for run in (results(f"thresholds_seed{seed}") for seed in range(3)):
        rows, compared = {row["sampler"]: row for row in run["samplers"]}, run["comparison"]
        learned, baseline = rows[compared["policy"]], rows[compared["baseline"]]
        cells.append(
            [
                str(run["seed"]),
                *(FORMATS[kind](learned[key]) for key, kind in (("exact", "percent"), ("nfe_mean", "two"))),
                *(FORMATS["count"](learned[key]) for key in ("nfe_p95", "nfe_max")),
                FORMATS["name"](compared["baseline"]),
                *(FORMATS[kind](baseline[key]) for key, kind in (("exact", "percent"), ("nfe_mean", "two"))),
                _ends(compared["gain"], 100, "one"),
            ]
        )
    header = ["seed", "exact", "mean NFE", "p95", "max", "threshold", "exact", "mean NFE", "gain"]
    return _table("thresholds", caption, header, cells)


def hard() -> str:
    """What the halting policy of each seed saves, and whether its steps go where they pay."""
    caption = (
        r"The halting policy of each seed, with $95\%$ intervals over puzzles. Ratio: mean NFE over the baseline's. "
        r"Difference: exact answers minus the baseline's; shuffled: minus those with its own steps shuffled; in points."
    )
    cells = []
    for run in (results(f"hard_seed{seed}") for seed in range(3)):
        test = run["test"]
        cells.append(
            [
                str(run["manifest"]["seed"]),
                FORMATS["name"](run["baseline"]),
                _ends(run["nfe_ratio_to_baseline"]),
                _ends(run["quality_difference"], 100),
                FORMATS["one"](100 * test["gain_over_shuffle"]["value"]),
                FORMATS["percent"](test["regret_to_oracle"]["value"]),
                _ends(run["stratified"]["spearman"]),
            ]
        )
    header = ["seed", "baseline", "ratio", "difference", "shuffled", "regret", r"$\rho$ with guesses"]
    return _table("hard", caption, header, cells)


def _ends(found: dict[str, float], scale: float = 1, kind: str = "two") -> str:
    middle, low, high = (FORMATS[kind](scale * found[end]) for end in ("value", "low", "high"))
    return f"{middle} ({low} to {high})"


def catalogue() -> str:
    """The named samplers beside those of the quickstart; the ones that its denoiser cannot serve are left out."""
    caption = "Further samplers, by name, on one denoiser. Revisions: tokens taken back or replaced, a puzzle."
    shown = {row["sampler"] for row in results("quickstart")["samplers"]}
    rows = [row for row in results("catalogue")["samplers"] if row["sampler"] not in shown and "refused" not in row]
    kinds = {"sampler": "name", "exact": "percent", "nfe_mean": "two", "nfe_p95": "count", "revisions_mean": "two"}
    cells = [[FORMATS[kind](row[key]) for key, kind in kinds.items()] for row in rows]
    return _table("catalogue", caption, ["sampler", "exact", "mean NFE", "p95", "revisions"], cells)


def correction() -> str:
    """Every family of self-correction at the setting that was chosen for it."""
    caption = (
        "Self-correction over all seeds. Gain: points of the first row over this one, paired by puzzle, with its "
        r"$95\%$ interval."
    )
    found = results("correction")
    cells = []
    for name in sorted(found["exact"], key=lambda name: name != "learned"):
        gain = found["gains"].get(name)
        shown = _ends(dict(zip(("value", "low", "high"), gain, strict=True)), 100) if gain else ""
        figures = FORMATS["percent"](found["exact"][name]), FORMATS["two"](found["nfe_mean"][name])
        cells.append([FORMATS["name"](name), *figures, shown])
    return _table("correction", caption, ["sampler", "exact", "mean NFE", "gain"], cells)


def text() -> str:
    """What was written, and how fast one text and many are: the samplers whose seconds were measured."""
    found = results("latency")
    most = max(row["batch"] for row in found["seconds"])
    real = FORMATS["two"](found["quality"]["held_out"]["judge_bits_per_byte"])
    caption = (
        f"Continuations drawn at temperature 1. Bits: a byte, under the judge (held-out text: {real}). Entropy: of "
        f"single bytes. One, many: bytes a second for one text and for {most} at once. Overtaken: the smallest number "
        "of texts at once at which autoregression is faster."
    )
    speed = {(row["sampler"], row["batch"]): row["tokens_per_second"] for row in found["seconds"]}
    cells = []
    for name, row in found["quality"].items():
        if (name, 1) not in speed:
            continue
        figures = row["forwards"], row["judge_bits_per_byte"], row["unigram_entropy"]
        fast = [FORMATS["count"](speed[name, batch]) if (name, batch) in speed else "" for batch in (1, most)]
        overtaken = found["crossing_by_sampler"].get(name)
        cells.append([FORMATS["name"](name), *map(FORMATS["two"], figures), *fast, str(overtaken or "")])
    header = ["writer", "forwards", "bits", "entropy", "one", "many", "overtaken"]
    return _table("text", caption, header, cells)


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


TABLES = {table.__name__: table for table in (quickstart, thresholds, hard, catalogue, correction, slots, text)}
