"""The tables of a run, for the terminal, the report and files alike."""

from collections.abc import Mapping, Sequence
from typing import Any

from rich.table import Table as RichTable

from adaptive_diffusion.analysis.allocation import allocation, bucket_labels
from adaptive_diffusion.analysis.metrics import SamplerMetrics
from adaptive_diffusion.analysis.style import family
from adaptive_diffusion.analysis.table import NONE, Column, Table
from adaptive_diffusion.evaluation.curves import gain_at_equal_nfe
from adaptive_diffusion.evaluation.intervals import Interval

SAMPLER = Column("sampler")
BASELINES = ("threshold", "fixed", "random_halting")
"""Families that a sampler is held against at equal cost: a confidence threshold, equal steps for all, blind halting."""


def rich_summary_table(rows: Sequence[Mapping[str, Any]]) -> RichTable:
    """The samplers of a run as a rich table; `rows` are those of `summary.json`."""
    return summary_table(rows).rich()


def summary_table(rows: Sequence[Mapping[str, Any]]) -> Table:
    """A line per sampler: accuracy in percent, NFE, wall-clock seconds. What a row does not have is a dash."""
    columns = {
        "sampler": SAMPLER,
        "exact": Column("exact %", 1, 100),
        "valid": Column("valid %", 1, 100),
        "nfe_mean": Column("NFE mean", 2),
        "nfe_p95": Column("p95", 0),
        "nfe_max": Column("max", 0),
        "seconds": Column("seconds", 1),
        "queries": Column("queries", 0),
    }
    return Table("Samplers", list(columns.values()), [[row.get(name) for name in columns] for row in rows])


def gain_table(measures: Sequence[SamplerMetrics], baselines: Sequence[str] = BASELINES) -> Table | None:
    """Accuracy gained over each family of baselines at equal mean NFE; None without any or without targets."""
    judged = [sampler for sampler in measures if sampler.exact is not None]
    cells = []
    for baseline in baselines:
        settings = [sampler.setting for sampler in judged if family(sampler.name) == baseline]
        for sampler in judged:
            if settings and family(sampler.name) not in baselines:
                gain = gain_at_equal_nfe(sampler.setting, settings)
                cells.append([sampler.name, baseline, gain.baseline, gain.interval or gain.reason])
    columns = [SAMPLER, Column("family"), Column("compared with"), Column("exact, points gained", 1, 100)]
    note = "Against the family's setting of smallest mean NFE that is not below the sampler's own, paired by query."
    return Table("Gain at equal cost", columns, cells, note) if cells else None


def halting_table(measures: Sequence[SamplerMetrics]) -> Table | None:
    """Whether steps go where they pay; None where no trace can tell."""
    cells = [
        [
            sampler.name,
            halting.spearman,
            halting.tie_ceiling,
            halting.regret,
            halting.overthinking,
            halting.auroc,
            halting.calibration_error,
        ]
        for sampler in measures
        if (halting := sampler.halting).spearman or halting.regret or halting.auroc
    ]
    columns = [
        SAMPLER,
        Column("ρ with difficulty"),
        Column("ceiling"),
        Column("regret %", 1, 100),
        Column("overthinking %", 1, 100),
        Column("AUROC", 3),
        Column("calibration error", 3),
    ]
    note = (
        "ρ: Spearman, NFE against difficulty, and the most its ties allow. Regret: NFE beyond a stop in hindsight. "
        "Overthinking: right at some step, wrong at the end. AUROC and calibration are of the halting probability."
    )
    return Table("Are steps spent where they pay?", columns, cells, note) if cells else None


def controls_table(measures: Sequence[SamplerMetrics]) -> Table | None:
    """A halting rule against chance and hindsight; None where no rule ended a query early."""
    cells = []
    for sampler in (one for one in measures if one.controls or one.stops_early):
        found = sampler.controls
        gains = [found and found.gains[f"gain_over_{name}"] for name in ("fixed", "random", "shuffle")]
        ends = (found.steps, *gains, found.oracle_steps, found.regret) if found else (None,) * 6
        cells.append([sampler.name, *ends])
    columns = [
        SAMPLER,
        Column("mean steps"),
        *(Column(f"exact over {name}", 1, 100) for name in ("equal steps", "random steps", "shuffled steps")),
        Column("steps in hindsight"),
        Column("regret %", 1, 100),
    ]
    note = (
        "Points of accuracy over controls with the rule's own mean number of steps: as many for every query, drawn "
        "from its histogram, its own shuffled among the queries. Hindsight: the fewest steps for the same answers."
    )
    if any(row[1] is None for row in cells):
        note += (
            f" {NONE}: what the control would have answered is not known, since nothing was recorded past the halting "
            "point; the evaluation stage records it for its policy."
        )
    return Table("Would chance have done as well?", columns, cells, note) if cells else None


MEASURED = {
    "exact": Column("exact %", 1, 100),
    "nfe_mean": Column("mean steps"),
    "gain_over_fixed": Column("exact over equal steps", 1, 100),
    "gain_over_random": Column("exact over random steps", 1, 100),
    "gain_over_shuffle": Column("exact over shuffled steps", 1, 100),
    "regret_to_oracle": Column("regret %", 1, 100),
    "overthinking": Column("overthinking %", 1, 100),
    "auroc_solved_at_halt": Column("AUROC", 3),
    "spearman": Column("ρ with difficulty"),
}
"""Figures of the stage `MeasureHalting`, by their names in its summary."""


def measured_table(summaries: Mapping[str, Mapping[str, Any]]) -> Table | None:
    """What the stage `MeasureHalting` wrote into the summaries of runs, by run; None where none has it."""
    cells = [
        [f"{run}/{summary['policy']}", split, *(as_interval(summary[split].get(name)) for name in MEASURED)]
        for run, summary in summaries.items()
        for split in ("test", "stratified")
        if "policy" in summary and split in summary
    ]
    note = "On rollouts recorded past every halting point; the setting was chosen on the validation split."
    return Table("Learned halting", [SAMPLER, Column("split"), *MEASURED.values()], cells, note) if cells else None


def reasons_table(measures: Sequence[SamplerMetrics]) -> Table | None:
    """Who got more, and why: what goes with a query's NFE; None where every query of every sampler took the same."""
    cells = [
        [
            sampler.name,
            *(reasons.correlations.get(name) for name in ("difficulty", "clues", "revisions")),
            reasons.costly_share,
            reasons.costly_exact,
            reasons.other_exact,
        ]
        for sampler in measures
        if (reasons := sampler.reasons)
    ]
    columns = [
        SAMPLER,
        *(Column(f"ρ {name}") for name in ("difficulty", "clues", "revisions")),
        Column("costliest tenth: NFE %", 0, 100),
        Column("their exact %", 1, 100),
        Column("others' exact %", 1, 100),
    ]
    note = "ρ: Spearman of NFE with what the query is (difficulty, clues) and with the tokens taken back or replaced."
    return Table("Who got more steps, and why?", columns, cells, note) if cells else None


def correction_table(measures: Sequence[SamplerMetrics]) -> Table | None:
    """What became of mistakes, for the samplers that revised; None if none did."""
    cells = [
        [
            sampler.name,
            correction.revisions_per_query,
            correction.error_to_correct_per_query,
            correction.correct_to_error_per_query,
            correction.precision,
            correction.recall,
            correction.steps_to_repair,
            correction.oscillation,
        ]
        for sampler in measures
        if (correction := sampler.correction)
    ]
    columns = [
        SAMPLER,
        *map(Column, ("revisions", "error → right", "right → error")),
        Column("precision %", 1, 100),
        Column("recall %", 1, 100),
        Column("steps to repair"),
        Column("oscillation %", 1, 100),
    ]
    note = (
        "Per query. Precision: revisions that took back a wrong token. Recall: wrong tokens that were taken back. "
        "Oscillation: rewrites that brought a former token back."
    )
    return Table("Does it correct itself?", columns, cells, note) if cells else None


def allocation_table(
    measures: Sequence[SamplerMetrics], by: str = "difficulty", edges: Sequence[float] | None = None
) -> Table | None:
    """Mean NFE of each sampler by groups of a column of the rows; None where no row has a value."""
    return _grouped(measures, by, edges, "Mean NFE", "nfe", Column("", 1))


def accuracy_table(
    measures: Sequence[SamplerMetrics], by: str = "difficulty", edges: Sequence[float] | None = None
) -> Table | None:
    """Share of exact answers by the same groups; None where no row has a value or a target."""
    judged = [sampler for sampler in measures if sampler.exact is not None]
    return _grouped(judged, by, edges, "Exact %", "exact", Column("", 1, 100))


def _grouped(
    measures: Sequence[SamplerMetrics],
    by: str,
    edges: Sequence[float] | None,
    what: str,
    figure: str,
    column: Column,
) -> Table | None:
    groups = {sampler.name: allocation(sampler.rows, by, edges) for sampler in measures}
    labels = list(dict.fromkeys(group.label for found in groups.values() for group in found))
    if edges is not None:
        labels = [label for label in bucket_labels(edges) if label in labels]
    if not labels:
        return None
    cells = []
    for name, found in groups.items():
        shown: dict[str, Interval | None] = {group.label: getattr(group, figure) for group in found}
        cells.append([name, *(shown.get(label) for label in labels)])
    columns = [SAMPLER, *(Column(label, column.decimals, column.scale) for label in labels)]
    return Table(f"{what} by {by}", columns, cells)


def sweep_table(rows: Sequence[Mapping[str, Any]]) -> Table:
    """The settings of a sweep: figures over seeds, and their differences to each sampler's first setting."""

    columns = [
        Column("setting"),
        SAMPLER,
        Column("seeds", 0),
        Column("exact %", 1, 100),
        Column("NFE mean"),
        Column("exact over first", 1, 100),
        Column("NFE over first"),
    ]
    cells = [
        [
            " ".join(row["setting"]) or "as it is",
            row["sampler"],
            len(row["seeds"]),
            *(
                as_interval((figures or {}).get(name))
                for figures in (row, row["over_first"])
                for name in ("exact", "nfe_mean")
            ),
        ]
        for row in rows
    ]
    note = "Means over seeds with Student's 95% interval; differences to the sampler's first setting, paired by seed."
    return Table("Settings", columns, cells, note)


def as_interval(written: Mapping[str, float | None] | None) -> Interval | None:
    """An interval as JSON has it, read back; null ends are not defined."""
    if written is None:
        return None
    ends = (written[end] for end in Interval._fields)
    return Interval(*(float("nan") if end is None else end for end in ends))
