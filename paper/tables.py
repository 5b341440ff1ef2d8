"""Tables of the paper, from result files."""

from collections.abc import Sequence
from typing import Any

from adaptive_diffusion.analysis.representatives import representative_rows
from paper.numbers import FORMATS, results


def quickstart() -> str:
    """The rules of the quickstart, one setting each."""
    caption = (
        r"Samplers of one denoiser on the same unseen $6\times6$ puzzles: of each rule the cheapest setting within "
        r"half a point of the best that the rule reaches."
    )
    return samplers("quickstart", caption, representative_rows(results("quickstart")["samplers"]))


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
    """Every learned halting rule against every rule without learning."""
    caption = (
        r"Learned rules against rules without learning, all seeds together. Gain: points of correct answers at equal "
        r"mean NFE, over the range that both reach. Ratio: mean NFE over the other rule's at equal accuracy, the best "
        r"that both reach, and half a point below it. With $95\%$ intervals over puzzles and seeds."
    )
    cells = [
        [
            FORMATS["name"](ours),
            FORMATS["name"](theirs),
            _ends(one["accuracy_gain_at_equal_cost"], 100),
            _ends(one["cost_ratio_at_equal_accuracy"]),
            _ends(one["cost_ratio_half_a_point_lower"]),
        ]
        for ours, rivals in results("thresholds")["against"].items()
        for theirs, one in rivals.items()
    ]
    return _table("thresholds", caption, ["learned", "without learning", "gain", "ratio", "half a point below"], cells)


def pays() -> str:
    """The cost-aware head against the best rule without learning on every task."""
    caption = (
        r"The cost-aware head on a search of up to 64 forwards. Full: accuracy without halting. Rival: the best rule "
        r"without learning. Ratio: mean NFE over the rival's at equal accuracy. Gain: points at equal cost. Regret: "
        r"cost above that of a stop in hindsight. $\rho$: rank correlation of NFE and difficulty."
    )
    cells = [
        [
            FORMATS["name"](task["name"]),
            str(len(task["seeds"])),
            FORMATS["percent"](task["accuracy_full_budget"]),
            FORMATS["name"](task["best_unlearned"]),
            _ends(task["cost_ratio_at_equal_accuracy"]),
            _ends(task["accuracy_gain_at_equal_cost"], 100, "one"),
            FORMATS["percent"](task["regret_to_oracle"]["value"]),
            FORMATS["two"](task["spearman"]["value"]),
        ]
        for task in results("pays")["tasks"]
    ]
    header = ["task", "seeds", "full", "rival", "ratio", "gain", "regret", r"$\rho$"]
    return _table("pays", caption, header, cells)


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
    """The best learned self-correction against every rule that needs no head, along their curves."""
    found = results("correction")
    caption = (
        rf"\texttt{{{FORMATS['name'](found['best_learned'])}}} against the other rules over all seeds. Reaches: the "
        "best accuracy of the rule and the mean NFE it takes. Errors removed: of those the rule makes at the cost of "
        r"our most accurate setting. Ratio: our mean NFE over the rule's at equal accuracy. With $95\%$ intervals."
    )
    cells = [
        [
            FORMATS["name"](name),
            FORMATS["percent"](one["reaches"]["correct"]),
            FORMATS["two"](one["reaches"]["nfe_mean"]),
            _ends(one["errors_removed"], 100, "one"),
            _ends(one["cost_ratio_at_equal_accuracy"]),
        ]
        for name, one in found["against"].items()
    ]
    return _table("correction", caption, ["rule", "reaches", "NFE", "errors removed", "ratio"], cells)


def text() -> str:
    """What was written, and how fast one text and many are: the samplers whose seconds were measured."""
    found = results("latency")
    most = max(row["batch"] for row in found["seconds"])
    real = FORMATS["two"](found["quality"]["held_out"]["reference_bits_per_byte"])
    caption = (
        f"Continuations drawn at temperature 1. Bits: a byte, under the reference model (held-out text: {real}). "
        f"Entropy: of single bytes. One, many: bytes for each {found['clock'][:-1]}, for one text and for "
        f"{most} at once. "
        "Overtaken: the smallest number of texts at once at which autoregression is faster."
    )
    of_clock = f"tokens_per_{found['clock'][:-1].replace(' ', '_')}"
    speed = {(row["sampler"], row["batch"]): row[of_clock] for row in found["seconds"]}
    cells = []
    for name, row in found["quality"].items():
        if (name, 1) not in speed:
            continue
        figures = row["forwards"], row["reference_bits_per_byte"], row["unigram_entropy"]
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


TABLES = {table.__name__: table for table in (quickstart, thresholds, pays, catalogue, correction, slots, text)}
