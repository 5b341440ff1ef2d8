"""Figures of the paper, from result files, in the colours that the samplers have everywhere."""

from collections.abc import Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from adaptive_diffusion.analysis.colours import Label, colour, marker
from adaptive_diffusion.analysis.scales import accuracy, doublings, doublings_at
from adaptive_diffusion.analysis.style import LIGHT, new_axes, themed
from adaptive_diffusion.evaluation.curves import drawn_curve
from paper.numbers import results

NFE, EXACT = "mean denoiser forwards per query (NFE), log scale", "exact answers, log scale of the wrong"


def label(row: dict[str, Any]) -> Label:
    """How the sampler of a row is named and drawn."""
    return Label(row["sampler"], row["family"])


def quickstart() -> Figure:
    """Exact answers against mean NFE."""
    return accuracy_against_nfe(results("quickstart")["samplers"])


def accuracy_against_nfe(rows: Sequence[dict[str, Any]]) -> Figure:
    """The rows of a summary; settings of one rule are joined."""
    figure, axes = new_axes(5.6, 3.6)
    doublings(axes.xaxis)
    accuracy(axes, rows[0]["queries"])
    ordered = sorted(rows, key=lambda row: label(row).order)
    for name, members in groupby(ordered, key=lambda row: row["family"]):
        curve = list(members)
        nfe, exact = [row["nfe_mean"] for row in curve], [row["exact"] for row in curve]
        if len(curve) > 1:
            axes.plot(nfe, exact, color=colour(name), alpha=0.6, zorder=2)
        shades = [label(row).colour for row in curve]
        size = 110 if marker(name) == "*" else 38
        axes.scatter(nfe, exact, c=shades, marker=marker(name), s=size, zorder=3, label=name.replace("_", " + "))
    axes.set(xlabel=NFE, ylabel=EXACT)
    axes.legend(loc="lower right")
    return figure


def thresholds() -> Figure:
    """The curve of every rule, over all seeds."""
    figure, axes = new_axes(5.6, 3.8)
    found = results("thresholds")
    doublings(axes.xaxis)
    accuracy(axes, found["queries"] * found["seeds"])
    for name, points in found["curves"].items():
        chief = name in (found["best_learned"], found["best_unlearned"])
        cost, quality = np.array(points).T
        style = {"color": colour(name), "alpha": 1 if chief else 0.6}
        axes.plot(cost, quality, marker(name), **style, ms=6 if chief else 4, label=name.replace("_", " "))
        axes.plot(*drawn_curve(cost, quality), **style)
    axes.set(xlabel=NFE, ylabel=EXACT)
    axes.legend(loc="lower right", fontsize=8)
    return figure


def trade_off() -> Figure:
    """Bytes a second against texts at once; the band reaches down to the slowest try."""
    figure, axes = new_axes(5.6, 3.6)
    seconds = results("latency")["seconds"]
    batches = sorted({row["batch"] for row in seconds})
    for name in dict.fromkeys(row["sampler"] for row in seconds):
        rows = sorted((row for row in seconds if row["sampler"] == name), key=lambda row: row["batch"])
        batch, speed = ([row[key] for row in rows] for key in ("batch", "tokens_per_second"))
        slow = [row["tokens"] / row["slowest_seconds"] for row in rows]
        axes.plot(batch, speed, color=colour(name), marker=marker(name), ms=5, label=name)
        axes.fill_between(batch, slow, speed, color=colour(name), alpha=0.2, linewidth=0)
    doublings_at(axes, batches)
    axes.set(yscale="log", xlabel="texts at once, log scale", ylabel="bytes a second, log scale")
    axes.legend()
    return figure


FIGURES = {"quickstart": quickstart, "thresholds": thresholds, "trade_off": trade_off}


def draw(folder: Path) -> list[Path]:
    """Every figure as PDF."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    with themed(LIGHT):
        for name, figure in FIGURES.items():
            paths.append(folder / f"{name}.pdf")
            figure().savefig(paths[-1], metadata={"CreationDate": None, "Creator": None, "Producer": None})
    return paths
