"""The figures of a run. Each takes measures and returns a matplotlib figure, or None where there is nothing to show."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, PercentFormatter
from scipy.stats import binomtest

from adaptive_diffusion.analysis.allocation import allocation, grouping_column
from adaptive_diffusion.analysis.colours import colour
from adaptive_diffusion.analysis.maps import commit_order, revision_map
from adaptive_diffusion.analysis.metric_tables import group_labels, quality_name
from adaptive_diffusion.analysis.metrics import SamplerMetrics
from adaptive_diffusion.analysis.representatives import CHOSEN, representatives
from adaptive_diffusion.analysis.scales import accuracy, doublings
from adaptive_diffusion.analysis.style import LIGHT, new_axes, save, themed
from adaptive_diffusion.evaluation.calibration import Reliability, reliability
from adaptive_diffusion.evaluation.curves import drawn_curve
from adaptive_diffusion.evaluation.intervals import Interval

Metrics = Sequence[SamplerMetrics]
FEW = 4
"""Settings of a rule that a figure can name one by one; of more, the ends are named."""

Draw = Callable[[Metrics], Figure | None]


@dataclass(frozen=True)
class Kind:
    """A figure: the name of its file, its title, a sentence on how to read it, how to draw it, and which samplers."""

    name: str
    title: str
    caption: str
    draw: Draw
    chosen: Callable[[Metrics], Metrics] = representatives

    def figure(self, measures: Metrics) -> Figure | None:
        """The figure of these measures; None where there is nothing to show."""
        return self.draw(self.chosen(measures))

    def explained(self, measures: Metrics) -> str:
        """The caption, and which samplers are shown where that is not all of them."""
        return self.caption if len(self.chosen(measures)) == len(measures) else f"{self.caption} {CHOSEN}"


def accuracy_against_nfe(measures: Metrics) -> Figure | None:
    """Quality against mean NFE, a curve for each rule; None where no answer was scored or none cost a forward."""
    shown = (one for one in measures if one.quality is not None and one.nfe.value > 0)  # 0 is not on a log scale
    judged = sorted(shown, key=lambda one: one.label.order)
    if not judged:
        return None
    figure, axes = new_axes(5.8, 5.0)
    doublings(axes.xaxis)
    accuracy(axes, max(sampler.rows.num_rows for sampler in judged))
    beside_points: list[tuple[float, float]] = []
    curves = [list(group) for _, group in groupby(judged, lambda one: (one.label.run, one.label.family))]
    for curve in curves:
        settings = [sampler.label.setting for sampler in curve if sampler.label.setting]
        beside = len({*settings}) > 1  # beside the points, so that the legend names the family alone
        named_points = settings if len(settings) <= FEW else [settings[0], settings[-1]]
        if len(curve) > 1:
            axes.plot(*mixed_settings(curve), color=colour(curve[0].label.family), zorder=2, alpha=0.6)
        for sampler in curve:
            quality, label = _quality(sampler), sampler.label
            error = {"yerr": _bars(quality), "elinewidth": 1 if len(curve) <= FEW else 0.5, "linestyle": "none"}
            error |= {"xerr": _bars(sampler.nfe)} if len(curve) <= FEW else {}
            style = {
                "color": label.colour,
                "marker": label.marker,
                "zorder": 3,
                "ms": 12 if label.marker == "*" else 6.5,
            }
            named = replace(label, sampler=label.family).name if beside else label.name
            shown = f"_{label.name}" if beside and sampler is not curve[-1] else named
            axes.errorbar(sampler.nfe.value, quality.value, **error, **style, label=shown)
            at = sampler.nfe.value, quality.value
            if beside and label.setting in named_points and apart(at, beside_points):
                beside_points.append(at)
                axes.annotate(label.setting or "", at, (8, -4), textcoords="offset points")
    what = "mean score" if quality_name(judged) == "score" else "correct answers"
    axes.set(xlabel="mean denoiser forwards per query (NFE), log scale", ylabel=f"{what}, log scale of what is missing")
    figure.legend(loc="outside lower center", ncols=3)
    return figure


def apart(point: tuple[float, float], others: Sequence[tuple[float, float]]) -> bool:
    """Whether a name beside a point (NFE, quality) leaves the names beside the others readable, on both log scales."""
    place = np.log2(point[0]), -np.log2(max(1e-6, 1 - point[1]))
    places = [(np.log2(nfe), -np.log2(max(1e-6, 1 - quality))) for nfe, quality in others]
    return all(abs(place[0] - x) > 0.4 or abs(place[1] - y) > 0.35 for x, y in places)


def mixed_settings(samplers: Metrics) -> tuple[np.ndarray, np.ndarray]:
    """NFE and quality along the curve of a rule: what mixing its settings gives."""
    cost = np.array([sampler.nfe.value for sampler in samplers])
    quality = np.array([_quality(sampler).value for sampler in samplers])
    return drawn_curve(cost, quality)


def nfe_histograms(measures: Metrics) -> Figure | None:
    """How many queries took each number of forwards, a panel for each sampler."""
    figure = Figure(figsize=(6.2, 0.7 + 0.46 * len(measures)), layout="constrained")
    grid = figure.subplots(len(measures), sharex=True, squeeze=False)[:, 0]
    for axes, sampler in zip(grid, measures, strict=True):
        values, counts = np.unique(sampler.rows["nfe"].to_numpy(), return_counts=True)
        axes.bar(values, counts / counts.max(), width=0.86, color=sampler.label.colour)
        axes.axvline(sampler.nfe.value, color=axes.xaxis.label.get_color(), linewidth=1.2, linestyle=(0, (2, 1.5)))
        axes.set_ylabel(sampler.name, rotation=0, ha="right", va="center")
        axes.set(yticks=[], ylim=(0, 1.08))
        axes.spines["left"].set_visible(False)
        axes.grid(axis="y", visible=False)
    grid[-1].xaxis.set_major_locator(MaxNLocator(integer=True))
    grid[-1].set_xlabel("forwards of a query (NFE); dashed: the mean")
    return figure


def nfe_by_difficulty(measures: Metrics) -> Figure | None:
    """Mean NFE by the chief difficulty of the task; None where it has none."""
    chief = measures[0].chief_difficulty
    return None if chief is None else nfe_by(chief)(measures)


def nfe_by(name: str) -> Draw:
    """How to draw the mean NFE by the groups of a column of the rows."""

    def draw(measures: Metrics) -> Figure | None:
        by = grouping_column(measures[0].rows, measures[0].header, name)
        rated = [sampler for sampler in measures if sampler.rows[by.name].null_count < sampler.rows.num_rows]
        if not rated:
            return None
        found = [(sampler, allocation(sampler.rows, by)) for sampler in rated]
        labels = group_labels(by, [[group.label for group in groups] for _, groups in found])
        figure, axes = new_axes(6.2, 5.2)
        for number, (sampler, groups) in enumerate(found):
            place = np.array([labels.index(group.label) for group in groups])
            shift = 0.24 * ((number + 0.5) / len(rated) - 0.5)
            style = {"color": sampler.label.colour, "marker": sampler.label.marker, "ms": 6, "label": sampler.name}
            bars = np.concatenate([_bars(group.nfe) for group in groups], axis=1)
            nfe = [group.nfe.value for group in groups]
            axes.errorbar(place + shift, nfe, yerr=bars, **style, elinewidth=1, linewidth=1.4)
        axes.set_xticks(range(len(labels)), labels)
        doublings(axes.yaxis)
        axes.set(xlabel=by.title, ylabel="mean NFE of a query, log scale")
        figure.legend(loc="outside lower center", ncols=3)
        return figure

    return draw


def solved_by_step(measures: Metrics) -> Figure | None:
    """Share of right answers after each step, and of those lost again; None where no answer was scored."""
    judged = [(sampler, sampler.solved_by_step) for sampler in measures if sampler.solved_by_step is not None]
    if not judged:
        return None
    unlearned = [(sampler.label, sampler.unlearned_by_step) for sampler, _ in judged]
    lost = [(label, shares) for label, shares in unlearned if shares is not None and shares.any()]
    figure = Figure(figsize=(6.2, 6.0 if lost else 4.8), layout="constrained")
    panels = figure.subplots(1 + bool(lost), sharex=True, height_ratios=(3.4, 1)[: 1 + bool(lost)], squeeze=False)[:, 0]
    longest = max(len(solved) for _, solved in judged)
    doublings(panels[-1].xaxis)
    for sampler, solved in judged:
        held = np.r_[solved, np.full(longest + 1 - len(solved), solved[-1])]
        line = {"color": sampler.label.colour, "label": sampler.name, "alpha": 0.9}
        panels[0].step(np.arange(longest + 1) + 1, held, where="post", **line)
        panels[0].plot(len(solved), solved[-1], color=sampler.label.colour, marker=sampler.label.marker, ms=6)
    panels[0].yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    panels[0].set(ylabel="queries whose tokens are a correct answer", ylim=(0, 1.03), xlim=(0.95, longest + 1))
    for label, shares in lost:
        steps = np.flatnonzero(shares)
        panels[1].plot(steps + 1, shares[steps], label.marker, color=label.colour, ms=5)
        panels[1].yaxis.set_major_formatter(PercentFormatter(1))
        panels[1].set_ylim(bottom=0)
        panels[1].set_ylabel("become wrong")
    panels[-1].set_xlabel("steps, log scale")
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside lower center", ncols=3)
    return figure


def halting_reliability(measures: Metrics) -> Figure | None:
    """Share of right answers against the halting probability, and a histogram of it; None where there is none."""
    judged = [
        sampler
        for sampler in measures
        if sampler.halt_probability is not None and not sampler.rows["correct"].null_count
    ]
    if not judged:
        return None
    figure = Figure(figsize=(5.6, 5.2), layout="constrained")
    upper, lower = figure.subplots(2, sharex=True, height_ratios=(4, 1))
    upper.plot(
        [0, 1], [0, 1], color=upper.xaxis.label.get_color(), linewidth=1, linestyle=(0, (4, 3)), label="calibrated"
    )
    for sampler in judged:
        assert sampler.halt_probability is not None
        solved = sampler.rows["correct"].to_numpy()
        points = reliability(sampler.halt_probability, solved, bins=10)
        style = {"color": sampler.label.colour, "marker": sampler.label.marker, "ms": 10, "elinewidth": 1.4}
        style |= {"linestyle": "none", "clip_on": False}  # no query stopped between bins
        upper.errorbar(points.probability, points.solved, _wilson(points), **style, label=sampler.name)
        lower.hist(sampler.halt_probability, np.linspace(0, 1, 41), color=sampler.label.colour, alpha=0.75)
    for axis in (upper.xaxis, upper.yaxis):
        axis.set_major_formatter(PercentFormatter(1, decimals=0))
    upper.set(ylabel="queries answered correctly", xlim=(-0.02, 1.02), ylim=(-0.03, 1.03))
    upper.legend(loc="upper left")
    lower.set_yscale("log")
    lower.set(xlabel="halting probability when the query stopped", ylabel="queries")
    return figure


KINDS = (
    Kind(
        "accuracy_nfe",
        "Accuracy against cost",
        "Up and left is better. Bars are 95% bootstrap intervals over queries; a line is the curve of a rule: what "
        "mixing its settings gives.",
        accuracy_against_nfe,
        tuple,
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
        "When answers become correct",
        "Share of queries whose tokens are a correct answer after each step; below, the share that was correct before "
        "a step and is not after it: there, a step hurt.",
        solved_by_step,
    ),
    Kind(
        "halting_reliability",
        "Calibration of halting",
        "Halting probability when the query stopped, against the share of correct answers, with 95% intervals.",
        halting_reliability,
    ),
    Kind(
        "commit_order",
        "Which positions come first",
        "Mean step at which a position got its last token, averaged over the queries where it was open. Dark is early; "
        "the colours span at least a tenth of the mean, so that small differences stay pale.",
        commit_order,
    ),
    Kind(
        "revisions",
        "Which positions are revised",
        "Tokens taken back or replaced per query, by position. Samplers that revised nothing are left out.",
        revision_map,
    ),
)


def by_column(name: str) -> Kind:
    """The figure of NFE by a column that a user names."""
    title = f"Where the steps go, by {name.replace('_', ' ')}"
    return Kind(f"nfe_by_{name}", title, f"Mean NFE of queries with a like value of {name}.", nfe_by(name))


def write_figures(measures: Metrics, folder: Path, kinds: Sequence[Kind] = KINDS) -> list[Path]:
    """Draws every figure that the measures allow into `folder`, each as PNG and SVG."""
    paths = []
    with themed(LIGHT):
        for kind in kinds:
            figure = kind.figure(measures)
            if figure is not None:
                paths += save(figure, folder, kind.name)
    return paths


def _wilson(points: Reliability) -> np.ndarray:
    """Distances [2, bins] from the shares solved to the ends of their 95% intervals (Wilson 1927)."""
    tests = [binomtest(round(share * n), int(n)) for share, n in zip(points.solved, points.count, strict=True)]
    ends = np.array([test.proportion_ci(method="wilson") for test in tests]).T
    return np.maximum(0, np.stack([points.solved - ends[0], ends[1] - points.solved]))


def _quality(sampler: SamplerMetrics) -> Interval:
    assert sampler.quality is not None
    return sampler.quality


def _bars(interval: Interval) -> np.ndarray:
    return np.array([[interval.value - interval.low], [interval.high - interval.value]])
