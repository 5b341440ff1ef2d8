"""Tables of what was measured from traces, for the terminal, the report and files alike."""

from collections.abc import Sequence

from adaptive_diffusion.analysis.allocation import GroupingColumn, allocation, bucket_labels, grouping_column
from adaptive_diffusion.analysis.metrics import SamplerMetrics
from adaptive_diffusion.analysis.table import NONE, Column, Table
from adaptive_diffusion.analysis.tables import SAMPLER
from adaptive_diffusion.evaluation.intervals import Interval


def quality_name(measures: Sequence[SamplerMetrics]) -> str:
    """What the quality of an answer is: `score` for a task whose headline it is, else `correct`."""
    return "score" if any(sampler.header.headline == "score" for sampler in measures) else "correct"


def halting_table(measures: Sequence[SamplerMetrics]) -> Table | None:
    """Whether steps go where they pay; None where no trace has it."""
    cells = [
        [
            sampler.name,
            halting.spearman,
            halting.tie_ceiling,
            halting.made_wrong,
            halting.auroc,
            halting.calibration_error,
        ]
        for sampler in measures
        if (halting := sampler.halting).spearman or halting.made_wrong or halting.auroc
    ]
    columns = [
        SAMPLER,
        Column("ρ with difficulty"),
        Column("largest possible ρ"),
        Column("made wrong %", 1, 100),
        Column("AUROC", 3),
        Column("calibration error", 3),
    ]
    note = (
        "ρ: Spearman's rank correlation of NFE with difficulty, and the largest that ties in the difficulty allow. "
        "Made wrong: answers that stood complete and correct after some step, and are wrong at the end. AUROC and "
        "calibration are of the halting probability."
    )
    return Table("Allocation of steps", columns, cells, note) if cells else None


def controls_table(measures: Sequence[SamplerMetrics]) -> Table | None:
    """A halting rule against chance and hindsight; None where no rule ended queries early."""
    cells = []
    for sampler in (one for one in measures if one.controls or one.stops_early):
        found = sampler.controls
        gains = [found and found.gains[f"gain_over_{name}"] for name in ("fixed", "random", "shuffle")]
        ends = (found.nfe, *gains, found.oracle_nfe, found.regret, found.overthinking) if found else (None,) * 7
        cells.append([sampler.name, *ends])
    columns = [
        SAMPLER,
        Column("NFE mean"),
        *(Column(f"over {name} steps", 1, 100) for name in ("equal", "random", "shuffled")),
        Column("NFE in hindsight"),
        Column("regret %", 1, 100),
        Column("overthinking %", 1, 100),
    ]
    note = (
        "Points of accuracy over controls that spend the rule's own mean NFE: equal steps for every query, steps drawn "
        "from the rule's histogram, its own steps shuffled among the queries. Hindsight: each query stops where its "
        "answer is best for the first time, and at once where it is never correct; regret is the NFE beyond that. "
        "Overthinking: an earlier stop would have answered better."
    )
    if any(row[1] is None for row in cells):
        note += (
            f" {NONE}: the answers of the controls are unknown, because this sampler was not recorded past its halting "
            "points; the evaluation stage records its policy."
        )
    return Table("Comparison with a random halting rule", columns, cells, note) if cells else None


def reasons_table(measures: Sequence[SamplerMetrics]) -> Table | None:
    """What goes with a query's NFE; None where every query of every sampler took the same."""
    found = [(sampler, sampler.reasons) for sampler in measures if sampler.reasons]
    names = list(dict.fromkeys(name for _, reasons in found for name in reasons.correlations))
    cells = [
        [
            sampler.name,
            *(reasons.correlations.get(name) for name in names),
            reasons.costly_share,
            reasons.costly_quality,
            reasons.other_quality,
        ]
        for sampler, reasons in found
    ]
    quality = quality_name(measures)
    columns = [
        SAMPLER,
        *(Column(f"ρ {name.removeprefix('difficulty.')}") for name in names),
        Column("costliest tenth: NFE %", 0, 100),
        Column(f"their {quality} %", 1, 100),
        Column(f"others' {quality} %", 1, 100),
    ]
    note = (
        "ρ: Spearman's rank correlation of NFE with measures of difficulty and with the tokens taken back or replaced. "
        "The costliest tenth of the queries: their part of all forwards, and how good their answers are."
    )
    return Table("Queries that took more steps", columns, cells, note) if cells else None


def correction_table(measures: Sequence[SamplerMetrics]) -> Table | None:
    """What became of mistakes, for the samplers that revised; None if no sampler did."""
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
        "Per query, against the reference answer. Precision: revisions that took back a wrong token. Recall: wrong "
        "tokens that were taken back. Oscillation: rewrites that brought a former token back."
    )
    return Table("Self-correction", columns, cells, note) if cells else None


def allocation_table(measures: Sequence[SamplerMetrics], by: str) -> Table | None:
    """Mean NFE of each sampler by groups of a column of the rows; None where no row has a value."""
    return _grouped(measures, by, "Mean NFE", "nfe", Column("", 1))


def accuracy_table(measures: Sequence[SamplerMetrics], by: str) -> Table | None:
    """Quality of the answers by the same groups; None where no row has a value or nothing decides."""
    judged = [sampler for sampler in measures if sampler.quality is not None]
    return _grouped(judged, by, f"{quality_name(measures).capitalize()} %", "quality", Column("", 1, 100))


def _grouped(measures: Sequence[SamplerMetrics], by: str, what: str, figure: str, column: Column) -> Table | None:
    if not measures:
        return None
    chosen = grouping_column(measures[0].rows, measures[0].header, by)
    groups = {sampler.name: allocation(sampler.rows, chosen) for sampler in measures}
    labels = group_labels(chosen, [[group.label for group in found] for found in groups.values()])
    if not labels:
        return None
    cells = []
    for name, found in groups.items():
        figures: dict[str, Interval | None] = {group.label: vars(group)[figure] for group in found}
        cells.append([name, *(figures.get(label) for label in labels)])
    columns = [SAMPLER, *(Column(label, column.decimals, column.scale) for label in labels)]
    return Table(f"{what} by {chosen.title}", columns, cells)


def group_labels(by: GroupingColumn, found: Sequence[Sequence[str]]) -> list[str]:
    """The names of the groups that occur, in order."""
    labels = list(dict.fromkeys(label for one in found for label in one))
    if by.edges is None:
        return labels
    named = zip(*(bucket_labels(by.edges, complete, by.decimals) for complete in (True, False)), strict=True)
    return list(dict.fromkeys(label for both in named for label in both if label in labels))
