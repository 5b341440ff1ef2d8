"""Figures of the paper, from result files, in the colours that the samplers have everywhere."""

from collections.abc import Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullFormatter, PercentFormatter, ScalarFormatter

from adaptive_diffusion.analysis.style import LIGHT, colour, family, marker, new_axes, setting, themed
from paper.numbers import results


def quickstart() -> Figure:
    """Exact answers against mean NFE."""
    return accuracy_against_nfe(results("quickstart")["samplers"])


def accuracy_against_nfe(rows: Sequence[dict[str, Any]]) -> Figure:
    """The rows of a summary; settings of one rule are joined."""
    figure, axes = new_axes(5.6, 3.6)
    ordered = sorted(rows, key=lambda row: (family(row["sampler"]), float(setting(row["sampler"]) or 0)))
    for name, members in groupby(ordered, key=lambda row: family(row["sampler"])):
        curve = list(members)
        nfe, exact = [row["nfe_mean"] for row in curve], [row["exact"] for row in curve]
        if len(curve) > 1:
            axes.plot(nfe, exact, color=colour(name), alpha=0.6, zorder=2)
            for row in curve:
                at = row["nfe_mean"], row["exact"]
                axes.annotate(setting(row["sampler"]) or "", at, (5, -10), textcoords="offset points", fontsize=8)
        shades = [colour(row["sampler"]) for row in curve]
        size = 110 if marker(name) == "*" else 38
        axes.scatter(nfe, exact, c=shades, marker=marker(name), s=size, zorder=3, label=name.replace("_", " + "))
    axes.set_xscale("log", base=2)
    axes.xaxis.set_major_locator(LogLocator(base=2))
    axes.xaxis.set_major_formatter(ScalarFormatter())
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    axes.set(xlabel="mean denoiser forwards per query (NFE), log scale", ylabel="exact answers")
    axes.legend(loc="lower right")
    return figure


FIGURES = {"quickstart": quickstart}


def draw(folder: Path) -> list[Path]:
    """Every figure as PDF."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    with themed(LIGHT):
        for name, figure in FIGURES.items():
            paths.append(folder / f"{name}.pdf")
            figure().savefig(paths[-1], metadata={"CreationDate": None, "Creator": None, "Producer": None})
    return paths
