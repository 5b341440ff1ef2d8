"""The tables of a run as text, for the terminal and for the report alike."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from rich.table import Table

from adaptive_diffusion.analysis.allocation import DIFFICULTY_EDGES, allocation, bucket_labels
from adaptive_diffusion.analysis.measures import SamplerMeasures
from adaptive_diffusion.analysis.style import family
from adaptive_diffusion.evaluation.curves import gain_at_equal_nfe
from adaptive_diffusion.evaluation.intervals import Interval

NONE = "–"


@dataclass(frozen=True)
class Sheet:
    """A table of texts; the first column names what the row is about. A note says how to read it."""

    title: str
    header: Sequence[str]
    rows: Sequence[Sequence[str]]
    note: str = ""

    def rich(self) -> Table:
        """The table for a terminal: names to the left, figures to the right."""
        table = Table(title=self.title, title_justify="left", caption=self.note or None, caption_justify="left")
        for column, name in enumerate(self.header):
            table.add_column(name, justify="right" if column else "left", no_wrap=not column)
        for row in self.rows:
            table.add_row(*row)
        return table


def summary_table(rows: Sequence[Mapping[str, Any]]) -> Table:
    """The samplers of a run as a rich table; `rows` are those of `summary.json`."""
    return summary_sheet(rows).rich()


def summary_sheet(rows: Sequence[Mapping[str, Any]]) -> Sheet:
    """A line per sampler: accuracy in percent, NFE, wall-clock seconds. What a row does not have is a dash."""
    header = ["sampler", "exact %", "valid %", "NFE mean", "p95", "max", "seconds", "queries"]
    return Sheet(
        "Samplers",
        header,
        [
            [
                str(row["sampler"]),
                percent(row.get("exact")),
                percent(row.get("valid")),
                number(row.get("nfe_mean"), 2),
                number(row.get("nfe_p95"), 0),
                number(row.get("nfe_max"), 0),
                number(row.get("seconds"), 1),
                number(row.get("queries"), 0),
            ]
            for row in rows
        ],
    )


def gain_sheet(measures: Sequence[SamplerMeasures], baseline: str = "threshold") -> Sheet | None:
    """Accuracy gained over the family `baseline` at equal mean NFE; None without it or without targets."""
    judged = [sampler for sampler in measures if sampler.exact is not None]
    baselines = [sampler.setting for sampler in judged if family(sampler.name) == baseline]
    rows = []
    for sampler in judged:
        if baselines and family(sampler.name) != baseline:
            gain = gain_at_equal_nfe(sampler.setting, baselines)
            shown = interval(gain.interval, 1, 100) if gain.interval else gain.reason or NONE
            rows.append([sampler.name, gain.baseline or NONE, shown])
    note = f"Against the {baseline} setting of smallest mean NFE that is not below the sampler's own, paired by query."
    header = ["sampler", "compared with", "exact, points gained"]
    return Sheet(f"Gain over {baseline} at equal cost", header, rows, note) if rows else None


def halting_sheet(measures: Sequence[SamplerMeasures]) -> Sheet | None:
    """Whether steps go where they pay; None where no trace can tell."""
    rows = [
        [
            sampler.name,
            interval(halting.spearman),
            number(halting.tie_ceiling, 2),
            interval(halting.regret, 1, 100),
            interval(halting.overthinking, 1, 100),
            interval(halting.auroc, 3),
            interval(halting.calibration_error, 3),
        ]
        for sampler in measures
        if (halting := sampler.halting).spearman or halting.regret or halting.auroc
    ]
    header = ["sampler", "ρ with difficulty", "ceiling", "regret %", "overthinking %", "AUROC", "calibration error"]
    note = (
        "ρ: Spearman, NFE against difficulty, and the most its ties allow. Regret: NFE beyond a stop in hindsight. "
        "Overthinking: right at some step, wrong at the end. AUROC and calibration are of the halting probability."
    )
    return Sheet("Are steps spent where they pay?", header, rows, note) if rows else None


def correction_sheet(measures: Sequence[SamplerMeasures]) -> Sheet | None:
    """What became of mistakes, for the samplers that revised; None if none did."""
    rows = [
        [
            sampler.name,
            interval(correction.revisions_per_query),
            interval(correction.error_to_correct_per_query),
            interval(correction.correct_to_error_per_query),
            interval(correction.precision, 1, 100),
            interval(correction.recall, 1, 100),
            interval(correction.steps_to_repair),
            interval(correction.oscillation, 1, 100),
        ]
        for sampler in measures
        if (correction := sampler.correction)
    ]
    header = ["sampler", "revisions", "error → right", "right → error", "precision %", "recall %", "steps to repair"]
    note = (
        "Per query. Precision: revisions that took back a wrong token. Recall: wrong tokens that were taken back. "
        "Oscillation: rewrites that brought a former token back."
    )
    return Sheet("Does it correct itself?", [*header, "oscillation %"], rows, note) if rows else None


def allocation_sheet(
    measures: Sequence[SamplerMeasures], by: str = "difficulty", edges: Sequence[float] | None = DIFFICULTY_EDGES
) -> Sheet | None:
    """Mean NFE of each sampler by groups of a column of the rows; None where no row has a value."""
    groups = {sampler.name: allocation(sampler.rows, by, edges) for sampler in measures}
    labels = list(dict.fromkeys(group.label for found in groups.values() for group in found))
    if edges is not None:
        labels = [label for label in bucket_labels(edges) if label in labels]
    if not labels:
        return None
    rows = []
    for name, found in groups.items():
        shown = {group.label: interval(group.nfe, 1) for group in found}
        rows.append([name, *(shown.get(label, NONE) for label in labels)])
    return Sheet(f"Mean NFE by {by}", ["sampler", *labels], rows)


def sweep_sheet(rows: Sequence[Mapping[str, Any]]) -> Sheet:
    """The settings of a sweep: figures over seeds, and their differences to each sampler's first setting."""

    def shown(figures: Mapping[str, Any] | None, name: str, decimals: int, scale: float = 1) -> str:
        found = (figures or {}).get(name)
        if found is None:
            return NONE
        if found["low"] is None:
            return number(scale * found["value"], decimals)
        return interval(Interval(found["value"], found["low"], found["high"]), decimals, scale)

    return Sheet(
        "Settings",
        ["setting", "sampler", "seeds", "exact %", "NFE mean", "exact over first", "NFE over first"],
        [
            [
                " ".join(row["setting"]) or "as it is",
                row["sampler"],
                str(len(row["seeds"])),
                shown(row, "exact", 1, 100),
                shown(row, "nfe_mean", 2),
                shown(row["over_first"], "exact", 1, 100),
                shown(row["over_first"], "nfe_mean", 2),
            ]
            for row in rows
        ],
        "Means over seeds with Student's 95% interval; differences to the sampler's first setting, paired by seed.",
    )


def percent(share: float | None) -> str:
    return number(None if share is None else 100 * share, 1)


def number(value: float | None, decimals: int) -> str:
    return NONE if value is None or np.isnan(value) else _minus(f"{value:,.{decimals}f}")


def interval(value: Interval | None, decimals: int = 2, scale: float = 1) -> str:
    """`1.23 [1.10, 1.36]`, or a dash where it is not defined."""
    if value is None or np.isnan(value.value):
        return NONE
    middle, low, high = (f"{scale * part:.{decimals}f}" for part in value)
    return _minus(f"{middle} [{low}, {high}]")


def _minus(text: str) -> str:
    """Hyphens become minus signs, which are as wide as digits."""
    return text.replace("-", "−")
