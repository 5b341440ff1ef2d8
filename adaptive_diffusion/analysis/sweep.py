"""The figure of a sweep."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from adaptive_diffusion.analysis.colours import Label
from adaptive_diffusion.analysis.scales import accuracy, doublings
from adaptive_diffusion.analysis.settings import setting_names
from adaptive_diffusion.analysis.style import LIGHT, new_axes, save, themed
from adaptive_diffusion.evaluation.intervals import Interval

FINEST = 2000
"""Accuracy is drawn as if over so many queries: nothing is nearer to 1 than half a query."""


def sweep_figure(rows: Sequence[Mapping[str, Any]]) -> Figure | None:
    """Correct answers against NFE, a point for every setting and sampler of a sweep; None where nothing is judged.

    Args:
        rows: the settings of a sweep's `summary.json`.
    """
    judged = [row for row in rows if (row.get("correct") or {}).get("value") is not None and row.get("nfe_mean")]
    if not judged:
        return None
    names = dict(zip(map(tuple, _settings(rows)), setting_names(_settings(rows)), strict=True))
    figure, axes = new_axes(6.4, 5.0)
    doublings(axes.xaxis)
    accuracy(axes, FINEST)
    for label in dict.fromkeys(Label(row["sampler"], row["family"]) for row in judged):
        style = {"color": label.colour, "marker": label.marker, "ms": 6.5, "linestyle": "none", "elinewidth": 1}
        points = [row for row in judged if row["sampler"] == label.sampler]
        nfe, correct = (_intervals(points, name) for name in ("nfe_mean", "correct"))
        axes.errorbar(nfe[0], correct[0], yerr=correct[1], xerr=nfe[1], **style, label=label.sampler)
        for row, cost, share in zip(points, nfe[0], correct[0], strict=True):
            axes.annotate(names[tuple(row["setting"])], (cost, share), (7, -3), textcoords="offset points", fontsize=7)
    axes.set(xlabel="mean denoiser forwards per query (NFE), log scale", ylabel="correct answers")
    figure.legend(loc="outside lower center", ncols=3)
    return figure


def write_sweep_figure(rows: Sequence[Mapping[str, Any]], folder: Path) -> list[Path]:
    """Draws `sweep.png` and `sweep.svg` into the folder; nothing where no setting is judged."""
    folder.mkdir(parents=True, exist_ok=True)
    with themed(LIGHT):
        figure = sweep_figure(rows)
        return [] if figure is None else save(figure, folder, "sweep")


def _settings(rows: Sequence[Mapping[str, Any]]) -> list[list[str]]:
    return [list(setting) for setting in dict.fromkeys(tuple(row["setting"]) for row in rows)]


def _intervals(rows: Sequence[Mapping[str, Any]], name: str) -> tuple[np.ndarray, np.ndarray]:
    """Values [N] and the distances [2, N] to the ends of their intervals, 0 where there are none."""
    found = [Interval.from_json(row[name]) for row in rows]
    ends = np.array([(one.value, one.low, one.high) for one in found if one is not None]).T
    return ends[0], np.nan_to_num(np.maximum(0, np.stack([ends[0] - ends[1], ends[2] - ends[0]])))
