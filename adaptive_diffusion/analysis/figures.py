"""The figures of a run. Each takes measures and returns a matplotlib figure, or None where there is nothing to show."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, PercentFormatter
from scipy.stats import binomtest

from adaptive_diffusion.analysis.allocation import allocation, bucket_labels
from adaptive_diffusion.analysis.layout import Layout
from adaptive_diffusion.analysis.maps import commit_order, revision_map
from adaptive_diffusion.analysis.metrics import SamplerMetrics
from adaptive_diffusion.analysis.scales import accuracy, doublings
from adaptive_diffusion.analysis.style import LIGHT, colour, family, marker, new_axes, save, setting, themed
from adaptive_diffusion.evaluation.calibration import Reliability, reliability
from adaptive_diffusion.evaluation.intervals import Interval

Metrics = Sequence[SamplerMetrics]
Draw = Callable[[Metrics, Layout], Figure | None]


@dataclass(frozen=True)
class Kind:
    """A figure: the name of its file, its title, a sentence on how to read it, and how to draw it."""

    name: str
    title: str
    caption: str
    draw: Draw


def accuracy_against_nfe(measures: Metrics, layout: Layout) -> Figure | None:
    judged = [sampler for sampler in measures if sampler.exact is not None]
    if not judged:
        return None
    figure, axes = new_axes(5.8, 5.0)
    doublings(axes.xaxis)
    accuracy(axes, max(sampler.rows.num_rows for sampler in judged))
    curves = [list(group) for _, group in groupby(sorted(judged, key=_family_order), lambda one: family(one.name))]
    for curve in curves:
        settings = {setting(sampler.name) for sampler in curve} - {None}
        told = 1 < len(settings) == len(curve)  # beside the points, so that the legend names the rule alone
        if len(curve) > 1:
            nfe, exact = [sampler.nfe.value for sampler in curve], [_exact(sampler).value for sampler in curve]
            axes.plot(nfe, exact, color=colour(family(curve[0].name)), zorder=2, alpha=0.6)
        for sampler in curve:
            exact, named = _exact(sampler), family(sampler.name) if told else sampler.name
            error = {"xerr": _bars(sampler.nfe), "yerr": _bars(exact), "elinewidth": 1, "linestyle": "none"}
            style = {"color": colour(sampler.name), "marker": marker(sampler.name), "zorder": 3}
            size = 12 if marker(sampler.name) == "*" else 6.5
            label = None if told and sampler is not curve[-1] else named
            axes.errorbar(sampler.nfe.value, exact.value, **error, **style, ms=size, label=label)
            if told:
                at = sampler.nfe.value, exact.value
                axes.annotate(setting(sampler.name) or "", at, (8, -4), textcoords="offset points")
    front = pareto_front(judged)
    axes.plot(*front, drawstyle="steps-post", color=axes.xaxis.label.get_color(), linewidth=1, alpha=0.45, zorder=1)
    axes.set(xlabel="mean denoiser forwards per query (NFE), log scale", ylabel="exact answers, log scale of the wrong")
    figure.legend(loc="outside lower center", ncols=3)
    return figure


def pareto_front(judged: Metrics) -> tuple[list[float], list[float]]:
    """NFE and accuracy of the samplers that no cheaper one equals (Pareto), the cheapest first."""
    nfe: list[float] = []
    exact: list[float] = []
    for sampler in sorted(judged, key=lambda sampler: (sampler.nfe.value, -_exact(sampler).value)):
        if not exact or _exact(sampler).value > exact[-1]:
            nfe.append(sampler.nfe.value)
            exact.append(_exact(sampler).value)
    return nfe, exact


def nfe_histograms(measures: Metrics, layout: Layout) -> Figure | None:
    figure = Figure(figsize=(6.2, 0.7 + 0.46 * len(measures)), layout="constrained")
    grid = figure.subplots(len(measures), sharex=True, squeeze=False)[:, 0]
    for axes, sampler in zip(grid, measures, strict=True):
        values, counts = np.unique(sampler.rows["nfe"].to_numpy(), return_counts=True)
        axes.bar(values, counts / counts.max(), width=0.86, color=colour(sampler.name))
        axes.axvline(sampler.nfe.value, color=axes.xaxis.label.get_color(), linewidth=1.2, linestyle=(0, (2, 1.5)))
        axes.set_ylabel(sampler.name, rotation=0, ha="right", va="center")
        axes.set(yticks=[], ylim=(0, 1.08))
        axes.spines["left"].set_visible(False)
        axes.grid(axis="y", visible=False)
    grid[-1].xaxis.set_major_locator(MaxNLocator(integer=True))
    grid[-1].set_xlabel("denoiser forwards of a query (NFE); the dashed line is the mean")
    return figure


def nfe_by_difficulty(measures: Metrics, layout: Layout) -> Figure | None:
    return nfe_by("difficulty", layout.difficulty_edges, layout.difficulty)(measures, layout)


def nfe_by(column: str, edges: Sequence[float] | None = None, label: str | None = None) -> Draw:
    """How to draw the mean NFE by the groups of a column of the rows."""

    def draw(measures: Metrics, layout: Layout) -> Figure | None:
        rated = [sampler for sampler in measures if sampler.rows[column].null_count < sampler.rows.num_rows]
        if not rated:
            return None
        found = [(sampler, allocation(sampler.rows, column, edges)) for sampler in rated]
        known = dict.fromkeys(group.label for _, groups in found for group in groups)
        labels = bucket_labels(edges) if edges else list(known)
        figure, axes = new_axes(6.2, 5.2)
        for number, (sampler, groups) in enumerate(found):
            place = np.array([labels.index(group.label) for group in groups])
            shift = 0.24 * ((number + 0.5) / len(rated) - 0.5)
            style = {"color": colour(sampler.name), "marker": marker(sampler.name), "ms": 6, "label": sampler.name}
            bars = np.concatenate([_bars(group.nfe) for group in groups], axis=1)
            nfe = [group.nfe.value for group in groups]
            axes.errorbar(place + shift, nfe, yerr=bars, **style, elinewidth=1, linewidth=1.4)
        axes.set_xticks(range(len(labels)), labels)
        doublings(axes.yaxis)
        axes.set(xlabel=label or column.replace("_", " "), ylabel="mean NFE of a query, log scale")
        figure.legend(loc="outside lower center", ncols=3)
        return figure

    return draw


def solved_by_step(measures: Metrics, layout: Layout) -> Figure | None:
    judged = [(sampler, sampler.solved_by_step) for sampler in measures if sampler.solved_by_step is not None]
    if not judged:
        return None
    unlearned = {sampler.name: sampler.unlearned_by_step for sampler, _ in judged}
    lost = {name: shares for name, shares in unlearned.items() if shares is not None and shares.any()}
    figure = Figure(figsize=(6.2, 6.0 if lost else 4.8), layout="constrained")
    panels = figure.subplots(1 + bool(lost), sharex=True, height_ratios=(3.4, 1)[: 1 + bool(lost)], squeeze=False)[:, 0]
    longest = max(len(solved) for _, solved in judged)
    doublings(panels[-1].xaxis)
    for sampler, solved in judged:
        held = np.r_[solved, np.full(longest + 1 - len(solved), solved[-1])]
        line = {"color": colour(sampler.name), "label": sampler.name, "alpha": 0.9}
        panels[0].step(np.arange(longest + 1) + 1, held, where="post", **line)
        panels[0].plot(len(solved), solved[-1], color=colour(sampler.name), marker=marker(sampler.name), ms=6)
    panels[0].yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    panels[0].set(ylabel="queries whose tokens are the answer", ylim=(0, 1.03), xlim=(0.95, longest + 1))
    for name, shares in lost.items():
        steps = np.flatnonzero(shares)
        panels[1].plot(steps + 1, shares[steps], marker(name), color=colour(name), ms=5)
        panels[1].yaxis.set_major_formatter(PercentFormatter(1))
        panels[1].set_ylim(bottom=0)
        panels[1].set_ylabel("become wrong")
    panels[-1].set_xlabel("steps, log scale")
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside lower center", ncols=3)
    return figure


def halting_reliability(measures: Metrics, layout: Layout) -> Figure | None:
    judged = [sampler for sampler in measures if sampler.halt_probability is not None and sampler.exact is not None]
    if not judged:
        return None
    figure = Figure(figsize=(5.6, 5.2), layout="constrained")
    upper, lower = figure.subplots(2, sharex=True, height_ratios=(4, 1))
    upper.plot(
        [0, 1], [0, 1], color=upper.xaxis.label.get_color(), linewidth=1, linestyle=(0, (4, 3)), label="calibrated"
    )
    for sampler in judged:
        assert sampler.halt_probability is not None
        solved = sampler.rows["exact"].to_numpy()
        points = reliability(sampler.halt_probability, solved, bins=10)
        style = {"color": colour(sampler.name), "marker": marker(sampler.name), "ms": 10, "elinewidth": 1.4}
        style |= {"linestyle": "none", "clip_on": False}  # between bins nobody stopped
        upper.errorbar(points.probability, points.solved, _wilson(points), **style, label=sampler.name)
        lower.hist(sampler.halt_probability, np.linspace(0, 1, 41), color=colour(sampler.name), alpha=0.75)
    for axis in (upper.xaxis, upper.yaxis):
        axis.set_major_formatter(PercentFormatter(1, decimals=0))
    upper.set(ylabel="queries that are solved", xlim=(-0.02, 1.02), ylim=(-0.03, 1.03))
    upper.legend(loc="upper left")
    lower.set_yscale("log")
    lower.set(xlabel="halting probability when the query stopped", ylabel="queries")
    return figure


KINDS = (
    Kind(
        "accuracy_nfe",
        "Accuracy against cost",
        "Up and left is better. Bars are 95% bootstrap intervals over queries; a coloured line joins the settings of "
        "one rule, grey steps the samplers that no cheaper one equals (the Pareto front).",
        accuracy_against_nfe,
    ),
    Kind(
        "nfe_histogram",
        "How many forwards queries take",
        "A sampler that adapts spreads its queries; a fixed one has a single bar.",
        nfe_histograms,
    ),
    Kind(
        "nfe_by_difficulty",
        "Where the steps go",
        "Mean NFE by the difficulty of the query. A rising line spends more where more is needed.",
        nfe_by_difficulty,
    ),
    Kind(
        "solved_by_step",
        "When answers become right",
        "Share of queries whose standing tokens are the whole answer after each step; below, the share that was right "
        "before a step and is wrong after it: there, a step hurt.",
        solved_by_step,
    ),
    Kind(
        "halting_reliability",
        "Does halting know?",
        "Halting probability when the query stopped, against the share that was then right, with 95% intervals.",
        halting_reliability,
    ),
    Kind(
        "commit_order",
        "Which positions come first",
        "Mean step at which a position got its last token, averaged over the queries where it was open. Dark is early; "
        "the colours span at least a tenth of the mean, so that differences of no weight stay pale.",
        commit_order,
    ),
    Kind(
        "revisions",
        "Which positions are revised",
        "Tokens taken back or replaced per query, by position. Samplers that revised nothing are left out.",
        revision_map,
    ),
)


def by_column(column: str) -> Kind:
    """The figure of NFE by a column that a user names."""
    title = f"Where the steps go, by {column.replace('_', ' ')}"
    return Kind(f"nfe_by_{column}", title, f"Mean NFE of queries with a like value of {column}.", nfe_by(column))


def write_figures(measures: Metrics, layout: Layout, folder: Path, kinds: Sequence[Kind] = KINDS) -> list[Path]:
    """Draws every figure that the measures allow into `folder`, each as PNG and SVG."""
    paths = []
    with themed(LIGHT):
        for kind in kinds:
            figure = kind.draw(measures, layout)
            if figure is not None:
                paths += save(figure, folder, kind.name)
    return paths


def _wilson(points: Reliability) -> np.ndarray:
    """Distances [2, bins] from the shares solved to the ends of their 95% intervals (Wilson 1927)."""
    tests = [binomtest(round(share * n), int(n)) for share, n in zip(points.solved, points.count, strict=True)]
    ends = np.array([test.proportion_ci(method="wilson") for test in tests]).T
    return np.maximum(0, np.stack([points.solved - ends[0], ends[1] - points.solved]))


def _exact(sampler: SamplerMetrics) -> Interval:
    assert sampler.exact is not None
    return sampler.exact


def _bars(interval: Interval) -> np.ndarray:
    return np.array([[interval.value - interval.low], [interval.high - interval.value]])


def _family_order(sampler: SamplerMetrics) -> tuple[str, float]:
    return family(sampler.name), float(setting(sampler.name) or 0)
