"""The figures of a run. Each takes measures and returns a matplotlib figure, or None where there is nothing to show."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, MaxNLocator, PercentFormatter, ScalarFormatter

from adaptive_diffusion.analysis.allocation import DIFFICULTY_EDGES, allocation, bucket_labels
from adaptive_diffusion.analysis.layout import GridLayout, Layout
from adaptive_diffusion.analysis.measures import SamplerMeasures
from adaptive_diffusion.analysis.style import LIGHT, colour, family, marker, new_axes, save, setting, themed
from adaptive_diffusion.evaluation.calibration import reliability
from adaptive_diffusion.evaluation.intervals import Interval

Measures = Sequence[SamplerMeasures]


@dataclass(frozen=True)
class Kind:
    """A figure: the name of its file, its title, a sentence on how to read it, and how to draw it."""

    name: str
    title: str
    caption: str
    draw: Callable[[Measures, Layout], Figure | None]


def accuracy_against_nfe(measures: Measures, layout: Layout) -> Figure | None:
    judged = [sampler for sampler in measures if sampler.exact is not None]
    if not judged:
        return None
    figure, axes = new_axes(5.8, 5.0)
    for _, members in groupby(sorted(judged, key=_family_order), key=lambda sampler: family(sampler.name)):
        if len(curve := list(members)) > 1:
            nfe, exact = [sampler.nfe.value for sampler in curve], [_exact(sampler).value for sampler in curve]
            axes.plot(nfe, exact, color=colour(family(curve[0].name)), zorder=2, alpha=0.6)
    for sampler in judged:
        exact, style = _exact(sampler), {"color": colour(sampler.name), "zorder": 3}
        error = {"xerr": _bars(sampler.nfe), "yerr": _bars(exact), "elinewidth": 1, "linestyle": "none"}
        size = 12 if marker(sampler.name) == "*" else 6.5
        axes.errorbar(
            sampler.nfe.value, exact.value, **error, **style, marker=marker(sampler.name), ms=size, label=sampler.name
        )
        axes.annotate(
            setting(sampler.name) or "", (sampler.nfe.value, exact.value), (7, -11), textcoords="offset points"
        )
    axes.set_xscale("log", base=2)
    axes.xaxis.set_major_locator(LogLocator(base=2, subs=(1, 1.5)))
    axes.xaxis.set_major_formatter(ScalarFormatter())
    axes.yaxis.set_major_formatter(PercentFormatter(1, decimals=None))
    axes.set(xlabel="mean denoiser forwards per query (NFE), log scale", ylabel="exact answers")
    figure.legend(loc="outside lower center", ncols=3)
    return figure


def nfe_histograms(measures: Measures, layout: Layout) -> Figure | None:
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


def nfe_by_difficulty(measures: Measures, layout: Layout) -> Figure | None:
    rated = [sampler for sampler in measures if sampler.rows["difficulty"].null_count < sampler.rows.num_rows]
    if not rated:
        return None
    figure, axes = new_axes(6.2, 5.2)
    labels = bucket_labels(DIFFICULTY_EDGES)
    for number, sampler in enumerate(rated):
        groups = allocation(sampler.rows, "difficulty", DIFFICULTY_EDGES)
        place = np.array([labels.index(group.label) for group in groups])
        shift = 0.24 * ((number + 0.5) / len(rated) - 0.5)
        bars = np.concatenate([_bars(group.nfe) for group in groups], axis=1)
        axes.errorbar(
            place + shift,
            [group.nfe.value for group in groups],
            yerr=bars,
            color=colour(sampler.name),
            marker=marker(sampler.name),
            ms=6,
            elinewidth=1,
            linewidth=1.4,
            label=sampler.name,
        )
    axes.set_xticks(range(len(labels)), labels)
    axes.set_ylim(bottom=0)
    axes.set(xlabel="difficulty (solver's guesses)", ylabel="mean NFE of a query")
    figure.legend(loc="outside lower center", ncols=3)
    return figure


def commit_order(measures: Measures, layout: Layout) -> Figure | None:
    written = [sampler for sampler in measures if not np.isnan(sampler.commit_step).all()]
    if not written:
        return None
    if isinstance(layout, GridLayout):
        columns = min(5, len(written))
        lines = -(-len(written) // columns)
        figure = Figure(figsize=(2.1 * columns + 0.3, 2.2 * lines), layout="constrained")
    else:
        columns, lines = 1, len(written)
        figure = Figure(figsize=(10.8, 0.8 + 0.8 * lines), layout="constrained")
    places = figure.subplots(lines, columns, squeeze=False, sharex=True).ravel()
    for axes, sampler in zip(places, written, strict=False):
        _order_map(figure, axes, sampler, layout)
    for axes in places[len(written) :]:
        axes.set_visible(False)
    if not isinstance(layout, GridLayout):
        places[-1].set_xlabel("position in the text")
    return figure


def _order_map(figure: Figure, axes: Axes, sampler: SamplerMeasures, layout: Layout) -> None:
    if isinstance(layout, GridLayout):
        picture, aspect = sampler.commit_step.reshape(layout.rows, layout.columns), "equal"
        for line in range(layout.box_rows, layout.rows, layout.box_rows):
            axes.axhline(line - 0.5, color="white", linewidth=1.5)
        for line in range(layout.box_columns, layout.columns, layout.box_columns):
            axes.axvline(line - 0.5, color="white", linewidth=1.5)
        axes.set(xticks=[], yticks=[])
    else:
        picture, aspect = sampler.commit_step[None], "auto"
        axes.set(yticks=[])
    image = axes.imshow(picture, cmap="cividis", aspect=aspect, interpolation="nearest")
    axes.set_title(sampler.name, loc="left", fontsize=9 if len(sampler.name) < 16 else 7.5)
    axes.grid(visible=False)
    for spine in axes.spines.values():
        spine.set_visible(False)
    bar = figure.colorbar(image, ax=axes, pad=0.02, shrink=0.72 if aspect == "equal" else 1)
    bar.outline.set_visible(False)
    bar.ax.grid(visible=False)
    bar.ax.yaxis.set_major_locator(MaxNLocator(3))


def solved_by_step(measures: Measures, layout: Layout) -> Figure | None:
    judged = [(sampler, sampler.solved_by_step) for sampler in measures if sampler.solved_by_step is not None]
    if not judged:
        return None
    figure, axes = new_axes(6.2, 5.2)
    longest = max(len(solved) for _, solved in judged)
    for sampler, solved in judged:
        steps = np.arange(longest + 1)
        held = np.r_[0, solved, np.full(longest - len(solved), solved[-1])]
        axes.step(steps, held, where="post", color=colour(sampler.name), label=sampler.name, alpha=0.9)
        axes.plot(len(solved), solved[-1], color=colour(sampler.name), marker=marker(sampler.name), ms=6)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    axes.set(xlabel="steps", ylabel="queries whose tokens are the answer", ylim=(0, 1.03), xlim=(0, longest + 0.5))
    figure.legend(loc="outside lower center", ncols=3)
    return figure


def halting_reliability(measures: Measures, layout: Layout) -> Figure | None:
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
        style = {"color": colour(sampler.name), "marker": marker(sampler.name)}
        upper.plot(points.probability, points.solved, **style, ms=8, label=sampler.name)
        lower.hist(sampler.halt_probability, np.linspace(0, 1, 41), color=colour(sampler.name), alpha=0.75)
    for axis in (upper.xaxis, upper.yaxis):
        axis.set_major_formatter(PercentFormatter(1, decimals=0))
    upper.set(ylabel="queries that are solved", xlim=(0, 1.01), ylim=(0, 1.03))
    upper.legend(loc="upper left")
    lower.set_yscale("log")
    lower.set(xlabel="halting probability when the query stopped", ylabel="queries")
    return figure


KINDS = (
    Kind(
        "accuracy_nfe",
        "Accuracy against cost",
        "Up and left is better. Bars are 95% bootstrap intervals over queries; a line joins the settings of one rule.",
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
        "Share of queries whose standing tokens are the whole answer after each step. A falling line unlearns.",
        solved_by_step,
    ),
    Kind(
        "halting_reliability",
        "Does halting know?",
        "Halting probability when the query stopped, against the share that was then right.",
        halting_reliability,
    ),
    Kind(
        "commit_order",
        "Which positions come first",
        "Mean step at which a position got its last token, averaged over the queries where it was open. Dark is early.",
        commit_order,
    ),
)


def write_figures(measures: Measures, layout: Layout, folder: Path) -> list[Path]:
    """Draws every figure that the measures allow into `folder`, each as PNG and SVG."""
    paths = []
    with themed(LIGHT):
        for kind in KINDS:
            figure = kind.draw(measures, layout)
            if figure is not None:
                paths += save(figure, folder, kind.name)
    return paths


def _exact(sampler: SamplerMeasures) -> Interval:
    assert sampler.exact is not None
    return sampler.exact


def _bars(interval: Interval) -> np.ndarray:
    return np.array([[interval.value - interval.low], [interval.high - interval.value]])


def _family_order(sampler: SamplerMeasures) -> tuple[str, float]:
    return family(sampler.name), float(setting(sampler.name) or 0)
