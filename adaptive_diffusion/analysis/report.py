"""The report: one HTML file that holds its tables, figures, data and code, and asks the network for nothing."""

import base64
import hashlib
from collections.abc import Sequence
from functools import partial
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from adaptive_diffusion.analysis.allocation import buckets
from adaptive_diffusion.analysis.figures import KINDS, Metrics, write_figures
from adaptive_diffusion.analysis.layout import Layout
from adaptive_diffusion.analysis.metrics import SamplerEntry, measure
from adaptive_diffusion.analysis.player_data import MAX_QUERIES, pick, player_data
from adaptive_diffusion.analysis.style import DARK, LIGHT, Theme, colour, svg, themed
from adaptive_diffusion.analysis.tables import (
    allocation_table,
    controls_table,
    correction_table,
    gain_table,
    halting_table,
    reasons_table,
    summary_table,
)
from adaptive_diffusion.core.trace import read_trace

_SCRIPTS = ("player_data.js", "timeline.js", "board.js", "list.js", "player.js")


def build_report(
    folder: Path,
    *,
    title: str,
    samplers: Sequence[SamplerEntry],
    layout: Layout,
    out: Path,
    figures: Path | None = None,
    max_queries: int = MAX_QUERIES,
) -> Path:
    """Writes the report of a run to `out` and returns its path; its figures go to the folder `figures` too, if given.

    Traces are looked for relative to the run's `folder`. Tables and figures are of all queries; the player holds at
    most `max_queries` of them per sampler (`player_data.MAX_EVENTS` bounds the size of the page), and the page says so.
    Raises `ValueError` without samplers, for a trace that cannot be read, and where samplers were given other queries.
    """
    if not samplers:
        raise ValueError("a report needs at least one sampler")
    measures, traces = [], {}
    for entry in samplers:
        trace = read_trace(folder / entry.trace)
        measures.append(measure(entry.name, trace, entry.past))
        traces[entry.name] = pick(trace, max_queries)
    data = player_data(traces, layout, max_queries)
    data["difficulties"] = _difficulties(measures, layout)
    allocated = partial(allocation_table, edges=layout.difficulty_edges)
    tables = (gain_table, halting_table, controls_table, reasons_table, correction_table, allocated)
    if figures:
        write_figures(measures, layout, figures)
    page = _render(
        title=title,
        colours={entry.name: colour(entry.name) for entry in samplers},
        summary=summary_table([{"sampler": entry.name, **entry.summary} for entry in samplers]),
        sheets=[sheet for table in tables if (sheet := table(measures))],
        figures=_figures(measures, layout),
        data=data,
        queries=max(len(sampler.rows["query"].unique()) for sampler in measures),
    )
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(page, encoding="utf-8")
    return out


def _difficulties(measures: Metrics, layout: Layout) -> list[dict[str, Any]]:
    """Where each group of queries of like difficulty begins, and its name."""
    values = np.concatenate([sampler.rows["difficulty"].drop_null().to_numpy() for sampler in measures])
    if not len(values):
        return []
    groups = zip(*buckets(values, layout.difficulty_edges), strict=True)
    return [{"from": low, "name": name} for low, name in groups]


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


def _figures(measures: Metrics, layout: Layout) -> list[dict[str, str]]:
    """Every figure the measures allow, once for a light and once for a dark page."""
    shown = []
    for kind in KINDS:
        pictures = {
            name: _picture(kind.draw, measures, layout, theme) for name, theme in (("light", LIGHT), ("dark", DARK))
        }
        if all(pictures.values()):
            shown.append({"name": kind.name, "title": kind.title, "caption": kind.caption, **pictures})
    return shown


def _picture(draw: Any, measures: Metrics, layout: Layout, theme: Theme) -> str:
    with themed(theme):
        figure = draw(measures, layout)
        return f"data:image/svg+xml;base64,{base64.b64encode(svg(figure)).decode()}" if figure else ""
