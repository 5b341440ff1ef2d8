"""The report: one HTML file that holds its tables, figures, data and code, and makes no request."""

import base64
import hashlib
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from adaptive_diffusion.analysis.allocation import buckets, grouping_column
from adaptive_diffusion.analysis.curve_tables import curve_tables
from adaptive_diffusion.analysis.figure_data import figure_csv
from adaptive_diffusion.analysis.figures import KINDS, Metrics, write_figures
from adaptive_diffusion.analysis.metric_tables import (
    accuracy_table,
    allocation_table,
    controls_table,
    correction_table,
    halting_table,
    quality_name,
    reasons_table,
)
from adaptive_diffusion.analysis.metrics import SamplerEntry, measure
from adaptive_diffusion.analysis.player_data import MAX_QUERIES, pick, player_data
from adaptive_diffusion.analysis.player_pictures import Picture, no_picture
from adaptive_diffusion.analysis.representatives import CHOSEN, representatives
from adaptive_diffusion.analysis.style import DARK, LIGHT, Theme, svg, themed
from adaptive_diffusion.analysis.table import Table
from adaptive_diffusion.analysis.tables import summary_table
from adaptive_diffusion.core.trace import read_trace
from adaptive_diffusion.core.trace_header import TraceHeader

_SCRIPTS = ("player_data.js", "timeline.js", "board.js", "list.js", "player.js")


def build_report(
    folder: Path,
    *,
    title: str,
    samplers: Sequence[SamplerEntry],
    out: Path,
    figures: Path | None = None,
    max_queries: int = MAX_QUERIES,
    further: Sequence[Table] = (),
    picture: Picture = no_picture,
) -> Path:
    """Writes the report of a run to `out` and returns its path; its figures go to the folder `figures` too, if given.

    Traces are looked for relative to the run's `folder`. Tables and figures are of all queries; the player holds at
    most `max_queries` of them per sampler (`player_data.MAX_EVENTS` bounds the size of the page), and the page says so.
    The tables `further` come first among those behind the figures. `picture` draws the sequences of the player.
    Raises `ValueError` without samplers, for a trace that cannot be read, and where samplers were given other queries.
    """
    if not samplers:
        raise ValueError("a report needs at least one sampler")
    measures, traces = [], {}
    for entry in samplers:
        trace = read_trace(folder / entry.trace)
        measures.append(measure(entry.name, trace, entry.past))
        traces[entry.name] = trace
    shown = representatives(measures)
    data = player_data({one.name: pick(traces[one.name], max_queries) for one in shown}, max_queries, picture)
    data["difficulties"] = _difficulties(measures)
    header = measures[0].header
    if figures:
        write_figures(measures, figures)
    rows = [{"sampler": entry.name, **entry.summary} for entry in samplers]
    chosen_names = {one.name for one in shown}
    page = _render(
        title=title,
        noun=header.noun,
        headline=HEADLINE[header.headline],
        difficulty=_difficulty_title(header),
        samplers=len(measures),
        swatches={name: one.label.colour for one in measures for name in (one.label.family, one.name)},
        summary=summary_table([row for row in rows if row["sampler"] in chosen_names], header.columns),
        everything=summary_table(rows, header.columns),
        tables=[*further, *report_tables(measures, shown)],
        chosen="" if len(shown) == len(measures) else CHOSEN,
        figures=_figures(measures),
        data=data,
        queries=max(len(sampler.rows["query"].unique()) for sampler in measures),
    )
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(page, encoding="utf-8")
    return out


HEADLINE = {
    "exact": "the answer is the reference",
    "valid": "it satisfies the rules of the task and keeps what was given",
    "score": "its score is 1",
}
"""What makes an answer correct, by the task's headline."""


def report_tables(measures: Metrics, shown: Metrics | None = None) -> list[Table]:
    """Every table that the measures allow, in the order in which they are shown; those with a row for each sampler are
    of the samplers `shown`, or of all."""
    shown = measures if shown is None else shown
    tables = [halting_table, controls_table, reasons_table, correction_table]
    found = [*curve_tables(measures, quality_name(measures)), *(table(shown) for table in tables)]
    for measure_of_difficulty in measures[0].header.difficulties:
        found += [table(shown, measure_of_difficulty.name) for table in (allocation_table, accuracy_table)]
    return [table for table in found if table is not None]


def _difficulties(measures: Metrics) -> list[dict[str, Any]]:
    """Where each group of queries of like difficulty begins, and its name."""
    chief = measures[0].chief_difficulty
    if chief is None:
        return []
    by = grouping_column(measures[0].rows, measures[0].header, chief)
    values = np.concatenate([sampler.rows[by.name].drop_null().to_numpy() for sampler in measures])
    return [{"from": low, "name": name} for low, name in zip(*buckets(values, by), strict=True)]


def _difficulty_title(header: TraceHeader) -> str:
    return header.difficulties[0].title if header.difficulties else "difficulty"


def _render(**content: Any) -> str:
    templates = files("adaptive_diffusion.analysis") / "templates"
    style, *scripts = ((templates / name).read_text(encoding="utf-8") for name in ("report.css", *_SCRIPTS))
    environment = Environment(
        loader=PackageLoader("adaptive_diffusion.analysis"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    policy = (
        f"default-src 'none'; img-src data:; style-src {_hash(style)}; script-src {' '.join(map(_hash, scripts))}; "
        "base-uri 'none'; form-action 'none'"
    )
    template = environment.get_template("report.html.j2")
    return template.render(
        policy=policy, style=Markup(style), scripts=[Markup(script) for script in scripts], **content
    )


def _hash(text: str) -> str:
    """The source expression that lets a page run exactly this inline text (Content Security Policy, level 2)."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def _figures(measures: Metrics) -> list[dict[str, str]]:
    """Every figure the measures allow, once for a light and once for a dark page."""
    shown = []
    for kind in KINDS:
        light, dark = (_picture(kind.figure, measures, theme) for theme in (LIGHT, DARK))
        if light and dark:
            about = {"name": kind.name, "title": kind.title, "caption": kind.explained(measures)}
            shown.append({**about, "light": light[0], "dark": dark[0], "numbers": light[1]})
    return shown


def _picture(draw: Any, measures: Metrics, theme: Theme) -> tuple[str, str] | None:
    """A figure and its numbers as data URIs."""
    with themed(theme):
        figure = draw(measures)
        if figure is None:
            return None
        return _data("image/svg+xml", svg(figure)), _data("text/csv;charset=utf-8", figure_csv(figure).encode())


def _data(kind: str, content: bytes) -> str:
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"
