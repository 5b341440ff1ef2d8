"""Tables of the rows that runs write into `summary.json`, for the terminal, the report and files alike."""

from collections.abc import Mapping, Sequence
from typing import Any

from adaptive_diffusion.analysis.settings import setting_names
from adaptive_diffusion.analysis.table import Column, Table
from adaptive_diffusion.core.measures import AnswerMeasure
from adaptive_diffusion.evaluation.intervals import Interval

SAMPLER = Column("sampler")
BEFORE = {
    "correct": Column("correct %", 1, 100),
    "exact": Column("exact %", 1, 100),
    "valid": Column("valid %", 1, 100),
    "score": Column("score", 3),
}
AFTER = {
    "distinct": Column("distinct %", 1, 100),
    "nfe_mean": Column("NFE mean", 2),
    "nfe_p95": Column("p95", 0),
    "nfe_max": Column("max", 0),
    "steps_mean": Column("steps mean", 2),
    "revisions_mean": Column("revisions", 2),
    "rewrites_mean": Column("rewrites", 2),
    "seconds": Column("seconds", 1),
    "queries": Column("queries", 0),
}
NOTES = {
    "distinct": "Distinct: how many of the answers differ from each other where something was to be written.",
    "steps_mean": "Steps: one that finds its sequence unchanged costs no forward; with a planner one costs several.",
    "rewrites_mean": "Revisions: tokens taken back or replaced, per query; rewrites: the same token written again.",
}


def summary_table(rows: Sequence[Mapping[str, Any]], columns: Sequence[AnswerMeasure] = ()) -> Table:
    """A line per sampler: how many answers are right, what they cost. What a row does not have is a dash.

    Left out is what says nothing: scores that are the share of correct answers, a share of distinct answers that is 1,
    steps where each costs one forward, revisions where no sampler made any.

    Args:
        rows: those of `summary.json`.
        columns: the task's own figures of answers.
    """
    own = {measure.name: _measure_column(measure) for measure in columns}
    shown = {name: column for name, column in (BEFORE | own | AFTER).items() if _says_something(name, rows)}
    cells = [[row.get("sampler"), *(row.get(name) for name in shown)] for row in rows]
    note = " ".join(text for name, text in NOTES.items() if name in shown)
    return Table("Samplers", [SAMPLER, *shown.values()], cells, note)


def _measure_column(measure: AnswerMeasure) -> Column:
    return Column(
        f"{measure.title} %" if measure.percent else measure.title, measure.decimals, 1 + 99 * measure.percent
    )


def _says_something(name: str, rows: Sequence[Mapping[str, Any]]) -> bool:
    values = [row.get(name) for row in rows]
    if name == "score":
        pairs = [(row.get("score"), row.get("correct")) for row in rows]
        return any(score is not None and (right is None or abs(score - right) > 1e-6) for score, right in pairs)
    if name == "distinct":
        return any(value is not None and value < 1 for value in values)
    if name == "steps_mean":
        pairs = [(row.get("steps_mean"), row.get("nfe_mean")) for row in rows]
        return any(steps is not None and nfe is not None and abs(steps - nfe) > 1e-6 for steps, nfe in pairs)
    if name in ("revisions_mean", "rewrites_mean"):
        return any(row.get("revisions_mean") for row in rows)
    return name in BEFORE | AFTER or any(value is not None for value in values)


MEASURED = {
    "correct": Column("correct %", 1, 100),
    "nfe_mean": Column("NFE mean"),
    "gain_over_fixed": Column("over equal steps", 1, 100),
    "gain_over_random": Column("over random steps", 1, 100),
    "gain_over_shuffle": Column("over shuffled steps", 1, 100),
    "regret_to_oracle": Column("regret %", 1, 100),
    "overthinking": Column("overthinking %", 1, 100),
    "auroc_solved_at_halt": Column("AUROC", 3),
    "spearman": Column("ρ with difficulty"),
}
"""Figures of the stage `MeasureHalting`, by their names in its summary."""


def measured_table(summaries: Mapping[str, Mapping[str, Any]]) -> Table | None:
    """What the stage `MeasureHalting` wrote into the summaries of runs, by run; None where there is nothing."""
    cells = [
        [f"{run}/{summary['policy']}", split, *(Interval.from_json(summary[split].get(name)) for name in MEASURED)]
        for run, summary in summaries.items()
        for split in ("test", "stratified")
        if "policy" in summary and split in summary
    ]
    note = (
        "On rollouts recorded past every halting point; the setting was chosen on the validation split. Points of "
        "accuracy over controls at the same mean NFE."
    )
    return Table("Learned halting", [SAMPLER, Column("split"), *MEASURED.values()], cells, note) if cells else None


def likelihood_table(measured: Mapping[str, Any]) -> Table | None:
    """What the stage `BitsPerByte` wrote; None where there is nothing."""
    cells = [
        [row["model"], Interval(*(row[end] for end in ("bits_per_byte", "low", "high"))), row["parameters"]]
        for row in measured.get("models", [])
    ]
    note = (
        "Of held-out text, lower is better: exact for an autoregressive model, a bound from above for a denoiser. The "
        "interval is over batches of windows."
    )
    return (
        Table("Likelihood", [Column("model"), Column("bits per byte", 3), Column("parameters", 0)], cells, note)
        if cells
        else None
    )


def sweep_table(rows: Sequence[Mapping[str, Any]]) -> Table:
    """The settings of a sweep: figures over seeds, and their differences to each sampler's first setting."""
    columns = [
        Column("setting"),
        SAMPLER,
        Column("seeds", 0),
        Column("correct %", 1, 100),
        Column("NFE mean"),
        Column("correct over first", 1, 100),
        Column("NFE over first"),
    ]
    settings = [tuple(row["setting"]) for row in rows]
    distinct = list(dict.fromkeys(settings))
    names = dict(zip(distinct, setting_names(distinct), strict=True))
    cells = [
        [
            names[tuple(row["setting"])],
            row["sampler"],
            len(row["seeds"]),
            *(
                Interval.from_json((figures or {}).get(name))
                for figures in (row, row["over_first"])
                for name in ("correct", "nfe_mean")
            ),
        ]
        for row in rows
    ]
    note = (
        "Means with 95% intervals over queries and seeds; differences to the sampler's first setting, paired by query "
        "and seed." + _shared(distinct)
    )
    return Table("Settings", columns, cells, note)


def _shared(settings: Sequence[Sequence[str]]) -> str:
    shared = [part for part in settings[0] if all(part in other for other in settings)] if len(settings) > 1 else []
    return f" All with {' '.join(shared)}." if shared else ""


def rules_table(rules: Sequence[Mapping[str, Any]]) -> Table | None:
    """The rules of a sweep compared along their curves; None where there is nothing to compare."""
    columns = [
        Column("rule"),
        Column("compared with"),
        Column("correct, points gained", 1, 100),
        Column("NFE ratio"),
        Column("at equal correct %", 1, 100),
    ]
    cells = [
        [
            rule["rule"],
            rule["against"],
            Interval.from_json(rule["accuracy_gain_at_equal_cost"]),
            Interval.from_json(rule["cost_ratio_at_equal_accuracy"]),
            rule["accuracy"],
        ]
        for rule in rules
    ]
    note = (
        "Points gained: at equal NFE, the mean over the NFE that both reach. NFE ratio: at the best accuracy that both "
        "reach; below 1 the rule is cheaper."
    )
    return Table("Rules compared at equal cost and at equal accuracy", columns, cells, note) if cells else None
