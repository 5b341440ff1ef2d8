"""Runs in, tables and pictures out: what `analyze` does."""

import json
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from pyarrow import csv

from adaptive_diffusion.analysis.allocation import grouping_column
from adaptive_diffusion.analysis.figures import KINDS, by_column, write_figures
from adaptive_diffusion.analysis.metric_tables import accuracy_table, allocation_table
from adaptive_diffusion.analysis.metrics import SamplerMetrics, measure
from adaptive_diffusion.analysis.report import report_tables
from adaptive_diffusion.analysis.table import Table
from adaptive_diffusion.analysis.tables import MEASURED, measured_table, summary_table
from adaptive_diffusion.core.trace import read_trace
from adaptive_diffusion.evaluation.intervals import Interval
from adaptive_diffusion.runs.counterfactual_rollouts import read_counterfactual_rollouts
from adaptive_diffusion.storage.atomic_write import atomic_write
from adaptive_diffusion.storage.folder import RunFolder

RECORDS = "analysis.json"
NUMBER = int | float | None
FIGURE = NUMBER | str


@dataclass(frozen=True)
class Analysis:
    """The tables of some runs, and the figures that were written."""

    tables: list[Table]
    figures: list[Path]

    def as_json(self) -> list[dict[str, Any]]:
        """Every table with its title, note and records."""
        return [{"title": table.title, "note": table.note, "rows": table.records()} for table in self.tables]


def analyze(runs: Sequence[Path], out: Path, by: Sequence[str] = ()) -> Analysis:
    """Metrics every trace of the runs; writes `tables/`, `figures/` and `analysis.json` to the folder `out`.

    Traces are read one after another, so memory holds one at a time. Samplers of several runs are named `RUN/SAMPLER`.

    Args:
        runs: run folders, with traces and, if they have one, `summary.json`; or the summary of `MeasureHalting` alone.
        out: a folder, replaced completely.
        by: columns of the rows to group by, beside the difficulty.

    Warns:
        UserWarning: samplers that answered different queries.

    Raises:
        ValueError: a folder without either, a trace that cannot be read, a column that rows do not have, an
            `out` that is there and holds something else.
    """
    if out.exists() and not (out / RECORDS).is_file():
        raise ValueError(f"{out} is there and holds no analysis: it would be replaced; name another place with --out")
    summaries, measures, learned = [], [], {}
    for run in runs:
        summary = _summary(run)
        prefix = run.resolve().name if len(runs) > 1 else ""
        rows = {row["sampler"]: row for row in summary.get("samplers", ())}
        if "policy" in summary:
            learned[run.resolve().name] = summary
        for folder in _traces(run, list(rows), needed="policy" not in summary):
            past = read_counterfactual_rollouts(run, folder.name)
            measures.append(measure(folder.name, read_trace(folder), past, prefix))
            summaries.append(_row(measures[-1], rows.get(folder.name, {})))
    if len(tasks := {sampler.header.task for sampler in measures}) > 1:
        raise ValueError(f"these runs are of several tasks, {', '.join(sorted(tasks))}; analyse one task at a time")
    if others := [sampler.name for sampler in measures if sampler.queries != measures[0].queries]:
        warnings.warn(
            f"{measures[0].name} and {others[0]} answered different queries, so samplers are not compared at equal "
            "cost; trace them on the same queries",
            stacklevel=2,
        )
    for name in by if measures else ():
        grouping_column(
            measures[0].rows, measures[0].header, name
        )  # an unknown name is refused before anything is drawn
    found = [measured_table(learned)]
    if measures:
        found = [summary_table(summaries, measures[0].header.columns), *found, *report_tables(measures)]
        found += [table(measures, name) for name in by for table in (allocation_table, accuracy_table)]
    titles: dict[str, Table] = {table.title: table for table in found if table}
    with atomic_write(out) as folder:
        written = _write(folder, list(titles.values()), measures, by)
    return Analysis(written.tables, [out / path.relative_to(folder) for path in written.figures])


def _summary(run: Path) -> dict[str, Any]:
    """The run's summary, empty where it has none; a run folder may come from anybody, so its rows are checked."""
    found = RunFolder(run).read_json("summary.json", {})
    rows = found.get("samplers", []) if isinstance(found, dict) else None
    if not isinstance(rows, list) or not all(
        isinstance(row, dict)
        and isinstance(row.get("sampler"), str)
        and all(isinstance(value, FIGURE | list) for value in row.values())  # a list: the names of heads
        for row in rows
    ):
        raise ValueError(f"{run / 'summary.json'} is damaged: its samplers are no rows of figures")
    splits = [found[split] for split in ("test", "stratified") if split in found]
    if "policy" in found and not (isinstance(found["policy"], str) and all(map(_measured, splits))):
        raise ValueError(f"{run / 'summary.json'} is damaged: what it says of its policy are no intervals")
    return found


def _measured(split: Any) -> bool:
    """Whether these are figures of `MeasureHalting`, each an interval or null."""
    if not isinstance(split, dict):
        return False
    given = [split[name] for name in MEASURED if split.get(name) is not None]
    return all(
        isinstance(one, dict) and all(end in one and isinstance(one[end], NUMBER) for end in Interval._fields)
        for one in given
    )


def _traces(run: Path, order: list[str], needed: bool) -> list[Path]:
    """The traces of a run in the order of its summary, then what it does not mention."""
    folders = {folder.name: folder for folder in sorted((run / "traces").glob("*")) if folder.is_dir()}
    if not folders and needed:
        raise ValueError(f"{run} holds no traces: run an experiment there, or name another folder")
    return [folders[name] for name in [*order, *sorted(folders.keys() - set(order))] if name in folders]


def _row(sampler: SamplerMetrics, written: dict[str, Any]) -> dict[str, Any]:
    """A summary row: what the trace shows, and what only the run's summary knows, such as seconds. A summary of other
    answers than those of the trace is left out: another command has recorded the trace since."""
    figures = _figures(sampler)
    known = (
        written if all(written.get(name, figures[name]) == figures[name] for name in ("queries", "nfe_mean")) else {}
    )
    return {**known, **figures, "sampler": sampler.name}


def _figures(sampler: SamplerMetrics) -> dict[str, Any]:
    """A summary row from the trace alone."""
    nfe = np.sort(sampler.rows["nfe"].to_numpy())
    own = [f"column.{measure.name}" for measure in sampler.header.columns]
    columns = {
        name.removeprefix("column."): sampler.rows[name] for name in ("correct", "exact", "valid", "score", *own)
    }
    means = {
        name: None if column.null_count == len(column) else float(np.mean(column.drop_null().to_numpy()))
        for name, column in columns.items()
    }
    enough = int(nfe[-(-95 * len(nfe) // 100) - 1])
    revised = {f"{name}_mean": float(np.mean(sampler.rows[name].to_numpy())) for name in ("revisions", "rewrites")}
    spent = {"nfe_mean": sampler.nfe.value, "nfe_p95": enough, "nfe_max": int(nfe[-1]), "steps_mean": sampler.steps}
    return {**means, **revised, **spent, "queries": len(nfe)}


def _write(folder: Path, tables: list[Table], measures: list[SamplerMetrics], by: Sequence[str]) -> Analysis:
    place = folder / "tables"
    place.mkdir(parents=True)
    for table in tables:
        (place / f"{table.slug}.csv").write_text(table.csv(), encoding="utf-8")
    figures: list[Path] = []
    if measures:
        csv.write_csv(_queries(measures), place / "queries.csv")
        csv.write_csv(_positions(measures), place / "positions.csv")
        figures = write_figures(measures, folder / "figures", [*KINDS, *map(by_column, by)])
    found = Analysis(tables, figures)
    text = json.dumps(found.as_json(), indent=2, ensure_ascii=False, allow_nan=False)
    (folder / RECORDS).write_text(text + "\n", encoding="utf-8")
    return found


def _queries(measures: list[SamplerMetrics]) -> pa.Table:
    """A row per sampler and query."""
    return pa.concat_tables(_named(sampler.name, sampler.rows) for sampler in measures)


def _positions(measures: list[SamplerMetrics]) -> pa.Table:
    """A row per sampler and position: when it got its last token, how often it was revised."""
    tables = [
        pa.table(
            {
                "position": np.arange(len(sampler.commit_step)),
                "mean_last_commit_step": pa.array(sampler.commit_step, mask=np.isnan(sampler.commit_step)),
                "revisions_per_query": sampler.revisions_by_position,
            }
        )
        for sampler in measures
    ]
    return pa.concat_tables(_named(sampler.name, table) for sampler, table in zip(measures, tables, strict=True))


def _named(name: str, table: pa.Table) -> pa.Table:
    return table.add_column(0, "sampler", pa.array([name] * table.num_rows))
